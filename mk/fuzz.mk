# make fuzz: every parser of foreign bytes under libFuzzer, FUZZ_SECONDS each.
# A target NAME: tests/fuzz/fuzz_NAME.c, fuzz_NAME_ROOMS in link order, fuzz_NAME_PKGS, fuzz_NAME_FLAGS (of libFuzzer),
# seeds kept in tests/fuzz/corpus/NAME/. What a run finds besides is kept in build/fuzz/corpus/NAME/.
FUZZ_CC      ?= clang
FUZZ_SECONDS ?= 30
F            := build/fuzz
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CPPFLAGS := -D_GNU_SOURCE -DCASTATION_VERSION='"$(VERSION)"' -Isrc -Ipkcs11 -Iprovisioning \
                 $(patsubst -I%,-isystem %,$(PKG_CFLAGS))

$(F)/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CPPFLAGS) -std=gnu17 -g -O1 -Wall -Werror -fsanitize=fuzzer-no-link $(FUZZ_SANITIZE) -MMD -MP -c -o $@ $<

define fuzz_room_rule
$(F)/lib$(1).a: $(addprefix $(F)/$($(1)_DIR)/,$(addsuffix .o,$($(1)_SRC)))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call fuzz_room_rule,$(r))))

define fuzz_rule
$(F)/fuzz_$(1): $(F)/tests/fuzz/fuzz_$(1).o $(addprefix $(F)/lib,$(addsuffix .a,$(fuzz_$(1)_ROOMS)))
	$$(FUZZ_CC) -g -fsanitize=fuzzer $$(FUZZ_SANITIZE) -o $$@ $$^ $$(shell pkg-config --libs $(fuzz_$(1)_PKGS)) -ldl -lpthread -lm

fuzz-$(1): $(F)/fuzz_$(1)
	@mkdir -p $(F)/corpus/$(1)
	$(F)/fuzz_$(1) -max_total_time=$$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 $(fuzz_$(1)_FLAGS) \
	  -artifact_prefix=$(F)/$(1)- $(F)/corpus/$(1) tests/fuzz/corpus/$(1) >$(F)/$(1).log 2>&1 \
	  || { tail -40 $(F)/$(1).log; echo "fuzz $(1): failed, see $(F)/$(1).log"; exit 1; }
	@echo "fuzz $(1): $$$$(sed -n 's/^stat::number_of_executed_units: *//p' $(F)/$(1).log) inputs in $$(FUZZ_SECONDS) s, no fault"
.PHONY: fuzz-$(1)
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz_rule,$(f))))

fuzz: deps-lint $(addprefix fuzz-,$(FUZZ))
.PHONY: fuzz

-include $(shell find $(F) -name '*.d' 2>/dev/null)
