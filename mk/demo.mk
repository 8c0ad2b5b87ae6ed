# make demo [N=12] [BAYS=4], make run, make totp USER=first
N    ?= 12
BAYS ?= 4

demo run: deps-build
	@echo "building build/release"; $(MAKE) -s --no-print-directory $(JOBSERVER) FLAVOUR=release all
	@N=$(N) BAYS=$(BAYS) CASTATION_BUILD=build/release demo/demo.sh $@
# USER is in every environment: only the one on the command line counts
totp:
	@demo/totp.sh '$(if $(filter command,$(firstword $(origin USER))),$(USER))'
.PHONY: demo run totp
