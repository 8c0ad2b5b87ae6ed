# make demo [N=12] [BAYS=4], make run
N    ?= 12
BAYS ?= 4

demo run: deps-build
	@$(MAKE) --no-print-directory FLAVOUR=release all
	@N=$(N) BAYS=$(BAYS) CASTATION_BUILD=build/release demo/demo.sh $@
.PHONY: demo run
