#!/usr/bin/env node
/* What people and browsers do that nobody planned: the same form twice, two reviewers at once, the back button, a session
 * that ends in mid-form, SQL and HTML in every field, files that are not what they say. */
'use strict';
const { web_test, test, need, assert } = require('./lib/start.js');
const { refused, too_large } = require('./lib/fixtures.js');
const way = require('./lib/way.js');

const NASTY = `'; DROP TABLE application; --"><script>alert(1)</script><img src=x onerror=alert(1)>{{csrf}}\${7*7}`;

web_test('hostile', async (stage) => {
    const { bench, office, scans } = stage;
    let id;
    const applicant = await office.as('enterprise');
    const alive = async () => assert.equal((await bench.sql("SELECT count(*) AS n FROM sqlite_master WHERE name = 'application'"))[0].n, 1);

    /* ---- SQL and HTML */
    await need('a draft is begun', async () => { id = await way.begin(applicant); });
    for (const section of ['organisation', 'people', 'delivery']) {
        await test(`SQL and HTML in every field of "${section}" stay text, kept as they were typed`, async () => {
            await applicant.go(`/applications/${id}/form/${section}`);
            if (section === 'people') await applicant.fill({ agent: 'yes' });
            if (section === 'delivery') await applicant.fill({ delivery_method: 'mail' });
            const form = applicant.page.locator(`main form[action$="/form/${section}"]`);
            const names = await form.locator('input[type=text], input[type=tel], input[type=email], textarea').evaluateAll(
                (all) => all.filter((e) => !e.closest('[hidden]')).map((e) => ({ name: e.name, max: e.maxLength })));
            assert.ok(names.length >= 2, String(names.length));
            for (const { name, max } of names) await applicant.fill({ [name]: max > 0 ? NASTY.slice(0, max) : NASTY });
            await way.next(applicant, section);
            for (const { name, max } of names) {
                const kept = await applicant.page.locator(`main [name="${name}"]`).inputValue();
                assert.equal(kept, max > 0 ? NASTY.slice(0, max) : NASTY, name);
            }
            assert.equal(await applicant.page.locator('main script, main img[onerror]').count(), 0);
            await alive();
        });
    }
    await test('nor do they do anything in a search, a cursor or a path', async () => {
        const first = await office.as('first');
        for (const q of [NASTY, "' OR '1'='1", '%', '_'.repeat(200), '\u0001\u0002', 'a'.repeat(3000)])
            for (const key of ['q', 'owner', 'to', 'state', 'cursor', 'from', 'identifier']) {
                const answer = await first.context.request.get(`/applications?${key}=${encodeURIComponent(q)}`, { maxRedirects: 0 });
                assert.ok([200, 400, 414, 422].includes(answer.status()), `${key}=${q.slice(0, 20)}: ${answer.status()}`);
                assert.ok(!(await answer.text()).includes('<script>alert'), key);
            }
        await alive();
    });

    /* ---- files */
    await test('every file that is not what a scan is, is refused at its place; what was there stays', async () => {
        await applicant.go(`/applications/${id}/form/materials`);
        await way.upload(applicant, 'licence', scans.licence);
        for (const [what, file] of Object.entries(refused(scans))) {
            await way.upload(applicant, 'representative_id', file);
            assert.ok((await applicant.text('main .error:not(:empty), .alert-error')).length > 3, what);
            const kept = await bench.sql(`SELECT kind FROM material WHERE application = '${id}'`);
            assert.deepEqual(kept, [{ kind: 'licence' }], what);
            await applicant.go(`/applications/${id}/form/materials`);
        }
    }, 120);
    await test('so is what is too large, with a sentence that says so', async () => {
        const form = { kind: 'licence', csrf: await applicant.page.locator('input[name=csrf]').first().getAttribute('value'), file: too_large(scans) };
        const answer = await applicant.context.request.post(`/applications/${id}/materials`, { maxRedirects: 0, multipart: form });
        assert.equal(answer.status(), 413);
        assert.match(await answer.text(), /10 ?MB/);
    });
    await test('a script in a file name is text, a path in it is cut off', async () => {
        for (const [sent, kept] of [['<img src=x onerror=alert(1)>.png', /^<?img src=x onerror=alert\(1\)>?\.png$/], ['../../etc/passwd.png', /^passwd\.png$/],
            ['C:\\secret\\a.png', /^a\.png$/], ['a\r\nSet-Cookie: x=1.png', /^[^\r\n]*$/], [`${'长'.repeat(300)}.png`, /^.{1,100}$/u]]) {
            await applicant.go(`/applications/${id}/form/materials`);
            const before = (await bench.sql(`SELECT id FROM material WHERE application = '${id}'`)).map((r) => r.id);
            const csrf = await applicant.page.locator('input[name=csrf]').first().getAttribute('value');
            const answer = await applicant.context.request.post(`/applications/${id}/materials`, { maxRedirects: 0,
                multipart: { kind: 'representative_id', csrf, file: { ...scans.licence, name: sent } } });
            if (sent.includes('\n') && answer.status() === 400) continue; /* no header has a line break in it */
            assert.equal(answer.status(), 303, sent.slice(0, 30));
            const added = (await bench.sql(`SELECT id, name FROM material WHERE application = '${id}'`)).filter((r) => !before.includes(r.id));
            assert.equal(added.length, 1);
            assert.match(added[0].name, kept);
            await applicant.go(`/applications/${id}/form/materials`);
            assert.equal(await applicant.page.locator('main img[onerror]').count(), 0);
            await applicant.press(`form[action="/applications/${id}/materials/${added[0].id}"] button`);
        }
    });
    await test('what was uploaded comes back as itself, sandboxed, never sniffed', async () => {
        const [{ id: material }] = await bench.sql(`SELECT id FROM material WHERE application = '${id}' AND kind = 'licence'`);
        const answer = await applicant.context.request.get(`/applications/${id}/materials/${material}`);
        assert.equal(answer.headers()['content-type'], 'image/png');
        assert.equal(answer.headers()['x-content-type-options'], 'nosniff');
        assert.match(answer.headers()['content-security-policy'], /sandbox/);
        assert.ok((await answer.body()).equals(scans.licence.buffer));
    });

    /* ---- twice */
    await need('the draft is filled in rightly', async () => {
        for (const kind of ['licence', 'representative_id']) void kind;
        await applicant.go(`/applications/${id}/form/organisation`);
        const given = way.answers();
        given.organisation.name = '杭州示例科技有限公司';
        given.organisation.identifier = '91330100799655058B';
        given.materials = ['representative_id', 'application_form'];
        await way.fill_form(applicant, given, scans);
    });
    await test('submitted twice at once, it is submitted once, with one order', async () => {
        const csrf = await applicant.page.locator('input[name=csrf]').first().getAttribute('value');
        const send = () => applicant.context.request.post(`/applications/${id}/form/check`, { maxRedirects: 0, form: { csrf, go: 'submit' } });
        const answers = await Promise.all([send(), send(), send()]);
        for (const a of answers) assert.ok([303, 409].includes(a.status()), String(a.status()));
        assert.equal((await bench.sql(`SELECT count(*) AS n FROM payment_order WHERE application = '${id}'`))[0].n, 1);
        assert.equal(await bench.state(id), 'awaiting_payment');
    });
    await test('the back button after submitting changes nothing, and says how things are', async () => {
        await applicant.go(`/applications/${id}`);
        await applicant.page.goBack();
        const button = applicant.page.locator('main form[action$="/form/check"] button[type=submit]');
        if (await button.count()) await applicant.press('form[action$="/form/check"] button[type=submit]');
        assert.equal(await bench.state(id), 'awaiting_payment');
        assert.ok((await applicant.text()).length > 50);
        assert.equal((await bench.sql(`SELECT count(*) AS n FROM payment_order WHERE application = '${id}'`))[0].n, 1);
    });
    await test('paid twice at once, it is paid once', async () => {
        const finance = await office.as('finance');
        const order = await way.order_of(bench, id);
        await finance.go(`/finance/orders/${order.id}`);
        const csrf = await finance.page.locator('input[name=csrf]').first().getAttribute('value');
        const form = { csrf, amount: '200.00', reference: 'ONCE-1', paid_date: '2026-01-05', paid_time: '10:00' };
        const answers = await Promise.all([1, 2, 3].map(() => finance.context.request.post(`/finance/orders/${order.id}`, { maxRedirects: 0, form })));
        for (const a of answers) assert.ok([303, 409, 422].includes(a.status()), String(a.status()));
        assert.equal(await bench.state(id), 'first_review');
        assert.equal((await bench.sql(`SELECT count(*) AS n FROM event WHERE application = '${id}' AND what = 'pay'`))[0].n, 1);
    });

    /* ---- two reviewers */
    await test('of two reviewers who decide at once one decides; the other is told, and what was typed is not lost', async () => {
        const [one, two] = [await office.as('first'), await office.as('first2')];
        await one.go(`/applications/${id}/review`);
        await two.go(`/applications/${id}/review`);
        await way.decide(one, id, 'approve');
        assert.equal(await bench.state(id), 'final_review');
        await way.decide(two, id, 'return', { text_name: '名称与执照不一致，请核对' });
        assert.equal(await bench.state(id), 'final_review');
        assert.match(await two.text('main'), /名称与执照不一致，请核对/);
        const [review] = await bench.sql(`SELECT count(*) AS n, max(reviewer) AS who FROM review WHERE application = '${id}'`);
        assert.deepEqual(review, { n: 1, who: 'first@castation.example' });
    });
    await test('who has both roles cannot approve twice', async () => {
        const [{ id: account }] = await bench.sql("SELECT id FROM account WHERE email = 'first@castation.example'");
        await bench.sql(`UPDATE account SET roles = roles | 4 WHERE id = '${account}'`);
        const both = await office.as('first', { fresh: true });
        await way.paper(both, id, 'P-2');
        assert.equal(await both.page.locator(`main form[action="/applications/${id}/review"] input[value="approve"]:enabled`).count(), 0);
        const csrf = await both.page.locator('input[name=csrf]').first().getAttribute('value');
        const [{ review_sha256 }] = await bench.sql(`SELECT review_sha256 FROM review WHERE application = '${id}'`);
        const answer = await both.context.request.post(`/applications/${id}/review`, { maxRedirects: 0,
            form: { csrf, decision: 'approve', stage: 'final', review_sha256 } });
        assert.ok([403, 409, 422].includes(answer.status()), String(answer.status()));
        assert.equal(await bench.state(id), 'final_review');
        await bench.sql(`UPDATE account SET roles = 2 WHERE id = '${account}'`);
    });

    /* ---- sessions */
    await test('a session that ends in mid-form loses nothing: after the log-in the text is there', async () => {
        const p = await office.as('institution', { fresh: true });
        const draft = await way.begin(p);
        await p.go(`/applications/${draft}/form/people`);
        await p.fill({ legal_representative: '王记得住' });
        await bench.sql("DELETE FROM session WHERE account = (SELECT id FROM account WHERE email = 'institution@castation.example')");
        await p.press('form[action$="/form/people"] button[name="go"][value="next"]');
        assert.equal(p.path, '/login');
        await p.fill({ email: p.account.email, password: p.account.password });
        await p.press('form[method=post] button[type=submit]');
        assert.equal(p.path, `/applications/${draft}/form/people`);
        assert.equal(await p.page.locator('main [name="legal_representative"]').inputValue(), '王记得住');
    });
    await test('but not to somebody else who logs in there', async () => {
        const p = await office.as('institution', { fresh: true });
        const [{ id: draft }] = await bench.sql("SELECT a.id FROM application a JOIN organisation o ON o.id = a.owner WHERE o.kind = 'institution'");
        await p.go(`/applications/${draft}/form/people`);
        await p.fill({ legal_representative: '只给自己看' });
        await bench.sql("DELETE FROM session WHERE account = (SELECT id FROM account WHERE email = 'institution@castation.example')");
        await p.press('form[action$="/form/people"] button[name="go"][value="next"]');
        const { email, password } = bench.accounts.enterprise;
        await p.fill({ email, password });
        await p.press('form[method=post] button[type=submit]');
        assert.ok(!(await p.page.content()).includes('只给自己看'));
        assert.ok(!p.path.includes('/form/people') || (await p.text('main')).length > 0);
    });
    await test('whoever asks for the other language in mid-form finds there what was typed', async () => {
        const p = await office.as('institution', { fresh: true });
        const [{ id: draft }] = await bench.sql("SELECT a.id FROM application a JOIN organisation o ON o.id = a.owner WHERE o.kind = 'institution'");
        await p.go(`/applications/${draft}/form/people`);
        await p.fill({ legal_representative: '没有保存' });
        await p.page.locator('header a[href="/language/en"]').click();
        await p.page.locator('html[lang=en]').waitFor();
        assert.equal(await p.page.locator('main [name="legal_representative"]').inputValue(), '没有保存');
    });
    await test('a password that is wrong too often has to wait; a right one then, too', async () => {
        const p = await office.someone();
        const { email, password } = bench.accounts.auditor;
        let last;
        for (let i = 0; i < 8; i++) {
            await p.go('/login');
            await p.fill({ email, password: `wrong-${i}-password` });
            await p.press('form[method=post] button[type=submit]');
            last = await p.text('main');
        }
        /* a slow machine would have waited long enough by now */
        await bench.sql('UPDATE throttle SET until = until + 60000 WHERE until > 0');
        await p.go('/login');
        await p.fill({ email, password });
        await p.press('form[method=post] button[type=submit]');
        assert.equal(p.path, '/login', last);
        assert.match(await p.text('main'), /稍后|秒|分钟/);
        await bench.sql('DELETE FROM throttle');
    });
    await test('log-out ends the session, and its cookie opens nothing any more', async () => {
        const p = await office.as('operator', { fresh: true });
        const state = await p.context.storageState();
        await p.go('/workbench');
        await p.page.locator('details.menu > summary').first().click();
        await Promise.all([p.page.waitForNavigation(), p.page.locator('form[action="/logout"] button').click()]);
        const again = await office.someone({ state });
        await again.go('/workbench');
        assert.equal(again.path, '/login');
    });
});
