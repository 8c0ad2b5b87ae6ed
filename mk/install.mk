# make install [PREFIX=/usr/local] [DESTDIR=…]: programs, profiles and commented example configurations. A configuration
# that is there is never overwritten.
PREFIX      ?= /usr/local
SYSCONFDIR  ?= /etc/castation
INSTALL_BIN  := castation caportal
INSTALL_SBIN := castationd castation-vault caportald
INSTALL_EXEC := castation-bay castation-blank
INSTALL_CONF := station vault bay caportal

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/sbin' '$(DESTDIR)$(PREFIX)/libexec/castation' \
	  '$(DESTDIR)$(PREFIX)/share/doc/castation' '$(DESTDIR)$(SYSCONFDIR)/profiles'
	install -m 755 $(addprefix $(B)/,$(INSTALL_BIN)) '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(addprefix $(B)/,$(INSTALL_SBIN)) '$(DESTDIR)$(PREFIX)/sbin'
	install -m 755 $(addprefix $(B)/,$(INSTALL_EXEC)) '$(DESTDIR)$(PREFIX)/libexec/castation'
	install -m 644 README.md LICENSE docs/*.md docs/openapi.yaml etc/nginx/castation.conf \
	  '$(DESTDIR)$(PREFIX)/share/doc/castation'
	install -d '$(DESTDIR)$(PREFIX)/share/castation/calendar'
	install -m 644 $(wildcard data/calendar/*.csv) '$(DESTDIR)$(PREFIX)/share/castation/calendar'
	for f in $(addprefix etc/,$(addsuffix .conf,$(INSTALL_CONF))) $(wildcard profiles/*.conf); do \
	  to='$(DESTDIR)$(SYSCONFDIR)'/$${f#etc/}; [ -e "$$to" ] || install -m 644 "$$f" "$$to" || exit 1; done
.PHONY: install
