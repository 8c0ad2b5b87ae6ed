# make check [PART="unit flow"]: everything built as release and as asan; all tests on the asan programs, and a demo on
# the release ones.
check: deps-check
	@$(MAKE) --no-print-directory FLAVOUR=release all
	@$(MAKE) --no-print-directory FLAVOUR=asan all unit
	@UNIT="$(UNIT)" tests/check.sh $(PART)
.PHONY: check
