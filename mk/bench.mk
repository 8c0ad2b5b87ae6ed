# make bench: ratios to a floor measured in the same run.
# BENCH_N=tokens a run, BENCH_BAYS="1 4".
BENCH_PROGRAMS := floor feeder bare load lists
floor_MAIN   := tests/bench/floor.c
floor_ROOMS  := products base
floor_PKGS   := libcrypto
feeder_MAIN  := tests/bench/feeder.c
feeder_ROOMS := base
feeder_PKGS  := libcrypto jansson
bare_MAIN    := tests/bench/bare.c
bare_ROOMS   := base
bare_PKGS    := libcrypto libmicrohttpd
lists_MAIN   := tests/bench/lists.c
lists_ROOMS  := portal store domain base
lists_PKGS   := libcrypto jansson libconfig sqlite3
load_MAIN    := tests/bench/load.c
load_ROOMS   := base
load_PKGS    := libcrypto
$(foreach p,$(BENCH_PROGRAMS),$(eval $(call program_rule,$(p))))
BENCH_N    ?= 100
BENCH_BAYS ?= 1 4
bench: deps-check all $(addprefix $(B)/,$(BENCH_PROGRAMS))
	@N='$(BENCH_N)' BAYS='$(BENCH_BAYS)' CASTATION_BUILD='$(abspath $(B))' tests/bench/bench.sh
.PHONY: bench
