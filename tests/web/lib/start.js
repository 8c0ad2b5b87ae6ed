/* What each tests/web/*.t begins with: a bench, a browser, people; and what each ends with. */
'use strict';
const tap = require('./tap.js');
const { Bench } = require('./bench.js');
const { launch, Office } = require('./people.js');
const { scans } = require('./fixtures.js');

/* body({bench, browser, office, scans}) */
function web_test(name, body, environment) {
    const stage = {};
    tap.on_failure(async (n) => {
        const seated = (stage.office?.seated ?? []).filter((p) => p.touched && !p.page.isClosed()).sort((a, b) => b.touched - a.touched);
        for (const [i, p] of seated.slice(0, 3).entries()) {
            tap.diag(`${p.account?.name ?? 'somebody'} is at ${p.page.url()}`);
            await p.shot(`failed/${name}-${n}-${p.account?.name ?? i}`);
        }
    });
    tap.file(
        async () => {
            stage.bench = await Bench.up(environment);
            stage.browser = await launch();
            stage.office = new Office(stage.browser, stage.bench);
            stage.scans = await scans(stage.browser, '杭州示例科技有限公司');
            await body(stage);
            await tap.test('no page has complained: no console errors, no CSP reports, no 5xx', async () => {
                tap.assert.deepEqual([...new Set(stage.office.complaints())], []);
            });
        },
        async () => {
            await stage.office?.close();
            await stage.browser?.close();
            if (!stage.bench) return;
            const end = await stage.bench.down();
            if (end.killed) throw new Error(`had to be killed: ${end.killed}`);
            if (end.reports) throw new Error(`a sanitizer reports:\n${end.reports}`);
        });
}

module.exports = { web_test, ...tap };
