# make check-web: the pages in Debian's chromium, driven by Playwright, on the real bench (tests/web/*.t). It looks at each
# page in both languages at both widths; as a part of make check, in Chinese on a desk and in English on a telephone.
# What npm fetches is pinned by tests/web/package-lock.json and lies in build/web/npm.
WEB_NPM := build/web/npm
$(WEB_NPM)/node_modules/.package-lock.json: tests/web/package.json tests/web/package-lock.json
	@mkdir -p $(WEB_NPM) && cp $^ $(WEB_NPM)/
	@echo "npm ci"; cd $(WEB_NPM) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@
web-npm: $(WEB_NPM)/node_modules/.package-lock.json

check-web: deps-check
	@$(MAKE) -s --no-print-directory web-npm
	@echo "building build/asan"; $(MAKE) -s --no-print-directory $(JOBSERVER) FLAVOUR=asan all
	@LOOK=all UNIT= tests/check.sh web
# make pictures: docs/images, for the README
pictures: deps-check
	@$(MAKE) -s --no-print-directory web-npm
	@$(MAKE) -s --no-print-directory $(JOBSERVER) FLAVOUR=release all
	@CASTATION_BUILD=build/release tests/web/pictures.js
.PHONY: check-web web-npm pictures
