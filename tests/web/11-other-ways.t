#!/usr/bin/env node
/* The whole way again: without JavaScript; in English, with an agent; as an institution without a USCC, free of charge,
 * picked up. */
'use strict';
const { web_test, test, need, assert } = require('./lib/start.js');
const way = require('./lib/way.js');
const admin = require('./lib/admin.js');

web_test('other-ways', async (stage) => {
    const { bench, office } = stage;

    /* ---- without JavaScript */
    await way.whole_way(stage, { name: 'without JavaScript', who: 'enterprise', given: way.answers(), options: { js: false } });

    /* ---- in English, with an agent */
    const english = await way.whole_way(stage, {
        name: 'in English, with an agent',
        who: 'enterprise',
        given: way.answers({ people: way.AGENT }),
        options: { lang: 'en' },
    });
    await test('its pages are English', async () => {
        const p = await office.as('enterprise', { lang: 'en' });
        await p.go(`/applications/${english}`);
        assert.equal(await p.page.locator('html').getAttribute('lang'), 'en');
        assert.match(await p.text('main'), /issued/i);
    });
    await test('its agent has a letter of authorisation, filled in', async () => {
        const kinds = (await bench.sql(`SELECT kind FROM material WHERE application = '${english}' ORDER BY kind`)).map((r) => r.kind);
        assert.deepEqual(kinds, ['agent_id', 'application_form', 'authorisation', 'licence', 'representative_id']);
    });

    /* ---- an institution */
    await need('the administrator adds a service point', async () => {
        await admin.add_point(await office.as('admin'), '市民服务中心', '杭州市上城区解放东路 18 号');
    });
    const [{ id: point }] = await bench.sql('SELECT id FROM service_point');
    const institution = await way.whole_way(stage, {
        name: 'an institution, picked up',
        who: 'institution',
        given: way.answers({ organisation: { name: '示例市第一中学' }, delivery: { delivery_method: 'pickup', pickup_point: point } }),
        free: true,
        pickup: true,
    });
    await test('it was given an internal identifier, which is kept', async () => {
        const [a] = await bench.sql(`SELECT identifier FROM application WHERE id = '${institution}'`);
        assert.match(a.identifier, /^zcy\d{12}$/);
        const p = await office.as('institution');
        await way.begin(p);
        assert.equal(await p.page.locator('main [name="identifier"]').inputValue(), a.identifier);
    });
    await test('and its certificate names it, but that identifier nowhere as a USCC', async () => {
        const [{ pem }] = await bench.sql(`SELECT pem FROM certificate WHERE application = '${institution}'`);
        const { X509Certificate } = require('node:crypto');
        const c = new X509Certificate(pem);
        assert.match(c.subject, /O=示例市第一中学|示例市第一中学/);
        assert.ok(!c.raw.includes(Buffer.from('zcy')), 'zcy stands in the certificate');
    });
    await test('"come and pick up" was mailed', async () => {
        await bench.mail('institution@castation.example', /市民服务中心|领取/);
    });
});
