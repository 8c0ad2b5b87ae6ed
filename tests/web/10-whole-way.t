#!/usr/bin/env node
/* From "apply online" to "issued": applicant, finance, two reviewers, the station and its token, the operator. */
'use strict';
const { web_test, test, need, assert } = require('./lib/start.js');
const way = require('./lib/way.js');

web_test('whole-way', async ({ bench, office, scans }) => {
    let id, certificate;
    const applicant = await office.as('enterprise');

    await need('an enterprise begins at the lock of the workbench, agrees to the terms, and has a draft', async () => {
        id = await way.begin(applicant);
        assert.match(id, /^CA\d{8}-[0-9A-HJKMNP-TV-Z]{8}$/);
        const [agreed] = await bench.sql(`SELECT a.terms, u.email, a.address FROM agreement a JOIN account u ON u.id = a.account WHERE application = '${id}'`);
        assert.deepEqual(agreed, { terms: 1, email: 'enterprise@castation.example', address: '127.0.0.1' });
    });
    await test('its identifier is there already', async () => {
        assert.equal(await applicant.page.locator('main [name="identifier"]').inputValue(), '91330100799655058B');
    });
    await need('it fills in the form, section by section', async () => way.fill_form(applicant, way.answers(), scans));
    await test('the page before submitting shows all of it', async () => {
        const text = await applicant.text('main');
        for (const shown of ['杭州示例科技有限公司', '91330100799655058B', '李示例', '营业执照.png']) assert.ok(text.includes(shown), shown);
    });
    await need('submitted, it is at the payment page with order number and amount', async () => {
        await way.submit(applicant);
        assert.equal(applicant.path, `/applications/${id}/payment`);
        const order = await way.order_of(bench, id);
        const text = await applicant.text('main');
        assert.ok(text.includes(order.id), text);
        assert.match(text, /200\.00/);
        assert.equal(await bench.state(id), 'awaiting_payment');
    });
    await need('finance confirms the transfer', async () => {
        const finance = await office.as('finance');
        await way.pay(finance, bench, id);
        assert.equal(await bench.state(id), 'first_review');
    });
    await test('the applicant reads 支付成功 with the order number and what is next', async () => {
        await applicant.go(`/applications/${id}/submitted`);
        const text = await applicant.text('main');
        assert.match(text, /支付成功/);
        assert.ok(text.includes((await way.order_of(bench, id)).id));
    });
    await test('and has a mail about it', async () => {
        await bench.mail('enterprise@castation.example', new RegExp(id));
    });
    await need('the first reviewer sees data beside materials, and approves', async () => {
        const first = await office.as('first');
        await first.go('/review/first');
        assert.ok((await first.text('main')).includes('杭州示例科技有限公司'));
        await first.page.locator(`main a[href="/applications/${id}/review"]`).first().click();
        await first.page.waitForURL(`**/applications/${id}/review`);
        await way.decide(first, id, 'approve');
        assert.equal(await bench.state(id), 'final_review');
    });
    await test('the applicant sees in a red box at the top what to post, and where', async () => {
        await applicant.go(`/applications/${id}`);
        assert.match(await applicant.text('main .alert-error'), /示例路 1 号/);
    });
    await test('whoever approved it first cannot be its final reviewer', async () => {
        const first = await office.as('first');
        const answer = await first.go(`/applications/${id}/review`);
        assert.equal(await first.page.locator('main button[name="decision"][value="approve"]').count(), 0, String(answer.status()));
    });
    await need('the final reviewer enters the paper, and approves', async () => {
        const final = await office.as('final');
        await way.paper(final, id, 'EMS1234567890');
        await way.decide(final, id, 'approve');
        assert.notEqual(await bench.state(id), 'final_review');
    });
    await need('the station makes the token on the rack', async () => bench.until_state(id, 'made', 60), 70);
    await need('the page shows its certificate: the one on the token', async () => {
        await applicant.go(`/applications/${id}/certificate`);
        [certificate] = await bench.sql(`SELECT serial, token_serial, sha256 FROM certificate WHERE application = '${id}' AND voided_at IS NULL`);
        const text = (await applicant.text('main')).toLowerCase().replace(/[^0-9a-z\u4e00-\u9fff]/g, '');
        assert.ok(text.includes(certificate.sha256), text);
        assert.ok(text.includes('杭州示例科技有限公司'));
        const token = JSON.parse(await bench.castation('token', certificate.token_serial, '--json')).token;
        assert.equal(token.application, id);
        assert.equal(token.certificate_serial.toLowerCase(), certificate.serial.toLowerCase());
    });
    await test('it can be downloaded, with its chain', async () => {
        const links = await applicant.page.locator('main a[href*="/certificate/"]').evaluateAll((a) => a.map((e) => e.getAttribute('href')));
        assert.ok(links.length >= 2, links.join(' '));
        for (const link of links) {
            const answer = await applicant.context.request.get(link);
            assert.equal(answer.status(), 200, link);
            assert.ok((await answer.body()).length > 300, link);
        }
    });
    await need('the operator posts it', async () => {
        const operator = await office.as('operator');
        await operator.go('/bench');
        assert.ok((await operator.text('main')).includes(id));
        await way.post_token(operator, id, 'EMS', 'EA123456785CN');
        assert.equal(await bench.state(id), 'issued');
    });
    await test('the applicant sees 已发证, the number, and every step of the way', async () => {
        await applicant.go(`/applications/${id}`);
        const text = await applicant.text('main');
        assert.match(text, /已发证/);
        assert.match(text, /EA123456785CN/);
        for (const step of ['缴费成功', '初审通过', '终审通过', '证书制作完成', '已邮寄']) assert.ok(text.includes(step), step);
    });
    await test('the auditor sees all of it, and can change nothing', async () => {
        const auditor = await office.as('auditor');
        for (const page of [`/applications/${id}`, `/applications/${id}/review`, `/applications/${id}/handover`]) {
            await auditor.go(page);
            const forms = await auditor.page.locator('main form[method=post]').evaluateAll((f) => f.map((e) => e.getAttribute('action')));
            assert.deepEqual(forms.filter((a) => !/\/reveal$/.test(a)), [], page);
        }
    });
    await test('after that the organisation may apply again', async () => {
        assert.notEqual(await way.begin(applicant), id);
    });
});
