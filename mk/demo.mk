# make demo [N=12] [BAYS=4], make run
N    ?= 12
BAYS ?= 4

demo run: deps-build
	@echo "building build/release"; $(MAKE) -s --no-print-directory $(JOBSERVER) FLAVOUR=release all
	@N=$(N) BAYS=$(BAYS) CASTATION_BUILD=build/release demo/demo.sh $@
.PHONY: demo run
