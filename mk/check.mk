# As many compilers as processors, unless who called make has said how many.
JOBSERVER = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# make check [PART="unit flow"]: everything built as release and as asan; all tests on the asan programs, and a demo on
# the release ones.
WEB_READY = $(MAKE) -s --no-print-directory web-npm
check: deps-check
	@echo "building build/release"; $(MAKE) -s --no-print-directory $(JOBSERVER) FLAVOUR=release all
	@echo "building build/asan"; $(MAKE) -s --no-print-directory $(JOBSERVER) FLAVOUR=asan all unit
	@$(if $(PART),$(if $(filter web,$(PART)),$(WEB_READY)),$(WEB_READY))
	@UNIT="$(UNIT)" tests/check.sh $(PART)
# make check-sweep: the crash tests through everything they can go through; more than an hour.
check-sweep: deps-check
	@echo "building build/asan"; $(MAKE) -s --no-print-directory $(JOBSERVER) FLAVOUR=asan all unit
	@SWEEP=1 UNIT="$(UNIT)" tests/check.sh crash
.PHONY: check check-sweep
