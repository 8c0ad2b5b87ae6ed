#!/usr/bin/env node
/* Returned and resubmitted; rejected, its fee refunded; withdrawn; a station that fails. */
'use strict';
const { web_test, test, need, assert } = require('./lib/start.js');
const way = require('./lib/way.js');

web_test('other-ends', async (stage) => {
    const { bench, office, scans } = stage;
    let id, submitted;
    const applicant = await office.as('enterprise');
    const row = async () => (await bench.sql(`SELECT state, submitted_at, promise_due, promise_stopped_at FROM application WHERE id = '${id}'`))[0];

    await need('an application is submitted and paid', async () => {
        id = await way.begin(applicant);
        await way.fill_form(applicant, way.answers(), scans);
        await way.submit(applicant);
        await way.pay(await office.as('finance'), bench, id);
        submitted = await row();
        assert.equal(submitted.state, 'first_review');
        assert.ok(submitted.promise_due > Date.now());
    });

    /* ---- returned */
    await test('a return without a reason is refused, and a rejection too', async () => {
        const first = await office.as('first');
        await way.decide(first, id, 'return');
        assert.equal(await first.page.locator('main [aria-invalid=true], main .error:not(:empty), .alert-error').count() > 0, true);
        await way.decide(first, id, 'reject');
        assert.equal(await bench.state(id), 'first_review');
    });
    await need('the first reviewer returns it, with a ready reason for the seal and words for the authority', async () => {
        const first = await office.as('first');
        await way.decide(first, id, 'return', { reason_material_licence: 'seal', text_authority_name: '请按公章填写' });
        assert.equal(await bench.state(id), 'returned');
    });
    await test('its clock stands', async () => assert.ok((await row()).promise_stopped_at > 0));
    await test('the applicant reads each reason, on the application and at its field, and has a mail', async () => {
        await applicant.go(`/applications/${id}`);
        assert.match(await applicant.text('main .alert-error'), /公章.*请按公章填写|请按公章填写.*公章/);
        await applicant.go(`/applications/${id}/form/organisation`);
        assert.match(await applicant.text('main'), /请按公章填写/);
        await bench.mail('enterprise@castation.example', /退回/);
    });
    await need('it is corrected, and submitted again without paying again', async () => {
        await applicant.go(`/applications/${id}/form/organisation`);
        await applicant.fill({ authority_name: '杭州市市场监督管理局' });
        await way.next(applicant, 'organisation');
        await applicant.go(`/applications/${id}/form/materials`);
        await way.upload(applicant, 'licence', { ...scans.licence, name: '营业执照-重扫.png' });
        await applicant.go(`/applications/${id}/form/check`);
        await way.submit(applicant);
        assert.equal((await row()).state, 'first_review');
        assert.equal((await bench.sql(`SELECT count(*) AS n FROM payment_order WHERE application = '${id}'`))[0].n, 1);
    });
    await test('it keeps its place in the queue', async () => {
        const now = await row();
        assert.equal(now.submitted_at, submitted.submitted_at);
        assert.equal(now.promise_stopped_at, 0);
        assert.equal(now.promise_due, submitted.promise_due);
    });

    /* ---- a decision is about what was seen */
    await test('an approval of what was changed meanwhile is refused', async () => {
        const first = await office.as('first');
        await first.go(`/applications/${id}/review`);
        await first.page.locator('main input[name="review_sha256"]').evaluate((e) => { e.value = 'a'.repeat(64); });
        await way.decide(first, id, 'approve');
        assert.equal(await bench.state(id), 'first_review');
        assert.match(await first.text('main'), /变|更新|修改/);
    });

    /* ---- returned by the final reviewer: the first approval is void */
    await need('approved first, it is returned by the final reviewer, and comes back to first review', async () => {
        await way.decide(await office.as('first'), id, 'approve');
        await way.decide(await office.as('final'), id, 'return', { reason_legal_representative: 'wrong' });
        assert.equal(await bench.state(id), 'returned');
        await applicant.go(`/applications/${id}/form/people`);
        await applicant.fill({ legal_representative: '李范例' });
        await way.next(applicant, 'people');
        await applicant.go(`/applications/${id}/form/check`);
        await way.submit(applicant);
        assert.equal(await bench.state(id), 'first_review');
    });

    /* ---- rejected */
    await need('rejected, with a note', async () => {
        await way.decide(await office.as('first2'), id, 'reject', { note: '营业执照已注销' });
        assert.equal(await bench.state(id), 'rejected');
    });
    await test('the applicant reads why, and that the fee comes back', async () => {
        await applicant.go(`/applications/${id}`);
        assert.match(await applicant.text('main'), /营业执照已注销/);
        assert.match(await applicant.text('main'), /退款|退费/);
    });
    await test('finance sees the refund due, and confirms it', async () => {
        const finance = await office.as('finance');
        const order = await way.order_of(bench, id);
        assert.equal(order.state, 'refund_due');
        await finance.go('/finance/orders?state=refund_due');
        assert.ok((await finance.text('main')).includes(order.id));
        await finance.go(`/finance/orders/${order.id}`);
        await finance.fill({ refund_reference: 'BACK-1' });
        await finance.press('form:has([name="refund_reference"]) button[type=submit]');
        assert.equal((await way.order_of(bench, id)).state, 'refunded');
    });

    /* ---- payments that do not fit */
    await need('another application is submitted', async () => {
        id = await way.begin(applicant);
        await way.fill_form(applicant, way.answers(), scans);
        await way.submit(applicant);
        assert.equal(await bench.state(id), 'awaiting_payment');
    });
    await test('a wrong amount, a time to come and a reference that was used are refused at their fields', async () => {
        const finance = await office.as('finance');
        const order = await way.order_of(bench, id);
        const [{ reference }] = await bench.sql("SELECT reference FROM payment_order WHERE state = 'refunded'");
        const right = { amount: '200.00', reference: 'NEW-1', paid_date: '2026-01-05', paid_time: '10:00' };
        for (const wrong of [{ amount: '199.99' }, { amount: '2e2' }, { amount: '' }, { paid_date: '2099-01-01' }, { reference }, { reference: '' }]) {
            await finance.go(`/finance/orders/${order.id}`);
            await finance.fill({ ...right, ...wrong });
            await finance.press('form:has([name="amount"]) button[type=submit]');
            assert.equal((await way.order_of(bench, id)).state, 'due', JSON.stringify(wrong));
            const [key] = Object.keys(wrong);
            const kept = await finance.page.locator(`main [name="${key}"]`).inputValue();
            assert.equal(kept, wrong[key], `what was typed is kept: ${JSON.stringify(wrong)}`);
        }
    });

    /* ---- withdrawn */
    await test('withdrawn before it was paid: its order is closed, and money that comes anyway is to be returned', async () => {
        await applicant.go(`/applications/${id}/withdraw`);
        await applicant.fill({ reason: '不再需要', sure: true });
        await applicant.press('form[action$="/withdraw"] button.btn-danger');
        assert.equal(await bench.state(id), 'withdrawn');
        assert.equal((await way.order_of(bench, id)).state, 'closed');
        const finance = await office.as('finance');
        await finance.go(`/finance/orders/${(await way.order_of(bench, id)).id}`);
        await finance.fill({ amount: '200.00', reference: 'LATE-1', paid_date: '2026-01-05', paid_time: '10:00' });
        await finance.press('form:has([name="amount"]) button[type=submit]');
        assert.equal((await way.order_of(bench, id)).state, 'refund_due');
    });

    /* ---- the station */
    await need('with the station away an approved application waits as 待发证', async () => {
        await bench.tell('stop', 'station');
        id = await way.begin(applicant);
        await way.fill_form(applicant, way.answers(), scans);
        await way.submit(applicant);
        await way.pay(await office.as('finance'), bench, id);
        await way.decide(await office.as('first'), id, 'approve');
        await way.paper(await office.as('final'), id, 'P-1');
        await way.decide(await office.as('final'), id, 'approve');
        assert.equal(await bench.state(id), 'approved');
        await applicant.go(`/applications/${id}`);
        assert.match(await applicant.text('main'), /待发证/);
    });
    await test('and when it is back, the token is made', async () => {
        await bench.tell('start', 'station');
        await bench.until_state(id, 'made', 60);
    }, 80);
    await test('withdrawn now, its certificate is void, its fee refunded, and the operator told to recycle the token', async () => {
        await applicant.go(`/applications/${id}/withdraw`);
        await applicant.fill({ reason: '单位更名', sure: true });
        await applicant.press('form[action$="/withdraw"] button.btn-danger');
        assert.equal(await bench.state(id), 'withdrawn');
        assert.equal((await way.order_of(bench, id)).state, 'refund_due');
        const [{ n }] = await bench.sql(`SELECT count(*) AS n FROM certificate WHERE application = '${id}' AND voided_at IS NULL`);
        assert.equal(n, 0);
        await bench.mail('operator@castation.example', new RegExp(id));
    });
});
