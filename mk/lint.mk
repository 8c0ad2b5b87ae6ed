# make lint: warnings as errors in both flavours, includes between rooms, headers alone, what programs link, words,
# shell scripts, and three analysers (gcc -fanalyzer, clang-tidy, cppcheck) over everything but the tests.
# What passed is kept in build/lint/ and not analysed again before it, or a header of it, changes.
L        := build/lint
LINT_SRC := $(foreach r,$(ROOMS),$(addprefix $($(r)_DIR)/,$(addsuffix .c,$($(r)_SRC)))) $(foreach p,$(PROGRAMS),$($(p)_MAIN))
LINT_SRC := $(sort $(filter-out tests/%,$(LINT_SRC)))
LINT_CPPFLAGS := -D_GNU_SOURCE -DCASTATION_VERSION='"$(VERSION)"' -DCASTATION_CRASH_POINTS -Isrc -Ipkcs11 -Iprovisioning \
                 $(patsubst -I%,-isystem %,$(PKG_CFLAGS))
# A pointer that goes into a struct of the caller is lost in the eyes of gcc 12; clang-tidy looks for leaks.
LINT_ANALYZER := -fanalyzer -Wno-analyzer-malloc-leak

lint: deps-lint
	$(MAKE) --no-print-directory lint-selftest lint-includes lint-words lint-shell lint-headers lint-build
	$(MAKE) $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc)) lint-links lint-cppcheck lint-analyzer lint-tidy
	@echo "lint: passed"

lint-selftest:
	tests/lint/selftest
lint-includes:
	tests/lint/includes
lint-words:
	tests/lint/words
lint-shell:
	tests/lint/shell
lint-headers:
	CC='$(CC)' CPPFLAGS='$(subst ','\'',$(LINT_CPPFLAGS))' CFLAGS='-std=gnu17 $(WARN)' tests/lint/headers
lint-build:
	$(MAKE) --no-print-directory FLAVOUR=release all unit
	$(MAKE) --no-print-directory FLAVOUR=asan all unit
lint-links:
	tests/lint/links build/release $(PROGRAMS)

lint-cppcheck:
	@echo cppcheck
	@cppcheck --quiet --std=c17 --enable=warning,portability,performance --inline-suppr --error-exitcode=1 \
	  --suppressions-list=tests/lint/cppcheck.suppress -D_GNU_SOURCE -DCASTATION_CRASH_POINTS \
	  -Isrc -Ipkcs11 -Iprovisioning $(LINT_SRC)

$(L)/%.o: %.c
	@mkdir -p $(@D)
	@echo "analyzer $<"
	@$(CC) $(LINT_CPPFLAGS) -std=gnu17 -O1 $(WARN) $(LINT_ANALYZER) -MMD -MP -c -o $@ $<
lint-analyzer: $(addprefix $(L)/,$(LINT_SRC:.c=.o))

$(L)/%.tidy: %.c .clang-tidy $(L)/%.o
	@echo "clang-tidy $<"
	@clang-tidy --quiet $< -- $(LINT_CPPFLAGS) -std=gnu17 2>$@.log || { cat $@.log; exit 1; }
	@touch $@
lint-tidy: $(addprefix $(L)/,$(LINT_SRC:.c=.tidy))

.PHONY: lint lint-selftest lint-includes lint-words lint-shell lint-headers lint-build lint-links lint-cppcheck \
        lint-analyzer lint-tidy
-include $(shell find $(L) -name '*.d' 2>/dev/null)
