# make bench: ratios to a floor measured in the same run.
# BENCH_N=tokens a run, BENCH_BAYS="1 4"; BENCH_PAGES="10000 1000000" applications behind the pages (a million: minutes).
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
BENCH_PAGES ?= 10000
bench: deps-check all $(addprefix $(B)/,$(BENCH_PROGRAMS))
	@N='$(BENCH_N)' BAYS='$(BENCH_BAYS)' CASTATION_BUILD='$(abspath $(B))' tests/bench/bench.sh
	@PAGES='$(BENCH_PAGES)' CASTATION_BUILD='$(abspath $(B))' tests/bench/pages.sh
bench-pages: deps-check all $(addprefix $(B)/,$(BENCH_PROGRAMS))
	@PAGES='$(BENCH_PAGES)' CASTATION_BUILD='$(abspath $(B))' tests/bench/pages.sh
.PHONY: bench bench-pages
