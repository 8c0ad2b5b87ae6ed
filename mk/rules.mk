# Rules that the lists in the Makefile are fed through.
ALL_PKGS  := libcrypto jansson libconfig sqlite3 libmicrohttpd gnutls libcurl libp11 p11-kit-1 libargon2 libqrencode xlsxwriter pangocairo
PKG_CFLAGS = $(shell pkg-config --cflags $(ALL_PKGS) 2>/dev/null)
CPPFLAGS  += $(patsubst -I%,-isystem %,$(PKG_CFLAGS))

objects = $(addprefix $(B)/$($(1)_DIR)/,$(addsuffix .o,$($(1)_SRC)))
archives = $(foreach r,$(1),$(B)/lib$(r).a)

all: deps-build $(addprefix $(B)/,$(PROGRAMS))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# What assets.c takes in besides its sources; the compiler does not tell.
ASSETS := $(wildcard src/web/html/*.html src/web/static/*)
$(addsuffix /src/web/assets.o,$(B) build/fuzz build/lint): $(ASSETS)

define room_rule
$(B)/lib$(1).a: $(call objects,$(1))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

define program_rule
$(B)/$(1): $(B)/$(basename $($(1)_MAIN)).o $(call archives,$($(1)_ROOMS))
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(shell pkg-config --libs $($(1)_PKGS)) -ldl -lpthread -lm
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))

# A unit test: tests/unit/test_NAME.c with NAME_ROOMS and NAME_PKGS.
define unit_rule
$(B)/test_$(1): $(B)/tests/unit/test_$(1).o $(call archives,$($(1)_ROOMS))
	$$(CC) $$(CFLAGS) $$(LDFLAGS) $($(1)_LDFLAGS) -o $$@ $$^ $$(shell pkg-config --libs $($(1)_PKGS) cmocka) -ldl -lpthread -lm
endef
$(foreach t,$(UNIT),$(eval $(call unit_rule,$(t))))
unit: $(addprefix $(B)/test_,$(UNIT)) $(flow-parts)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- packages ---------------------------------------------------------------------------------------------------------
# Installed, or provided by what is installed (nodejs from elsewhere brings npm).
missing = $(shell have=$$(dpkg-query -W -f '$${db:Status-Status}|$${Package},$${Provides}\n' 2>/dev/null | \
    sed -n 's/^installed|//p' | tr ',' '\n' | awk '{print $$1}'); \
  for p in $$(cat $(foreach l,$(1),packages/$(l))); do echo "$$have" | grep -qx -- "$$p" || echo $$p; done)
define install_packages
@missing="$(call missing,$(1))"; if [ -n "$$missing" ]; then \
  if [ "$$(id -u)" = 0 ]; then apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
  elif sudo -n true 2>/dev/null; then sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
  else echo "Packages are missing. Run this, then the same make again:"; echo "  sudo apt-get install --no-install-recommends $$missing"; exit 1; fi; fi
endef
deps: deps-build
deps-build:
	$(call install_packages,build)
deps-check:
	$(call install_packages,build check)
deps-lint:
	$(call install_packages,build check lint)

clean:
	rm -rf build
.PHONY: all unit deps deps-build deps-check deps-lint clean
