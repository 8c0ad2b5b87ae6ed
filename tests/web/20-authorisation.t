#!/usr/bin/env node
/* Every page of page.def, with every role, as nobody, and with another organisation's ids; forged form tokens. */
'use strict';
const { web_test, test, need, assert } = require('./lib/start.js');
const { pages, ROLES } = require('./lib/pages.js');
const way = require('./lib/way.js');

const WHO = { applicant: 'enterprise', first_reviewer: 'first', final_reviewer: 'final', operator: 'operator', finance: 'finance',
    auditor: 'auditor', administrator: 'admin' };
/* A {param} that leads somewhere; otherwise one that leads nowhere, which is 404 for whoever may ask. */
const PARAMS = { PAGE_STATIC_FILE: 'castation.css', PAGE_LANGUAGE: 'zh', PAGE_FORM: 'organisation', PAGE_EXPORT: 'application.pdf',
    PAGE_APPLICATIONS_FILE: 'csv', PAGE_CERTIFICATE_FILE: 'certificate.pem' };
const where = (page, id) => page.path.replace('{application}', id).replace('{param}', PARAMS[page.name] ?? 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');

web_test('authorisation', async ({ bench, office }) => {
    const people = {}, csrf = {};
    let own, others;
    await need('everybody logs in, with a draft of one organisation and one of another', async () => {
        for (const role of ROLES) people[role] = await office.as(WHO[role]);
        people.other = await office.as('institution');
        own = await way.begin(people.applicant);
        others = await way.begin(people.other);
        for (const [role, p] of Object.entries(people)) {
            await p.go('/workbench');
            csrf[role] = await p.page.locator('input[name="csrf"]').first().getAttribute('value');
            p.request = p.context.request;
        }
    });
    const nobody = (await office.someone()).context.request;
    const get = (request, url) => request.get(url, { maxRedirects: 0 });
    const post = (request, url, form) => request.post(url, { maxRedirects: 0, form });

    const every = (what) => Promise.all(ROLES.map(what));

    await test('page.def is read as the code reads it', async () => {
        assert.ok(pages.length >= 50, String(pages.length));
        assert.equal(new Set(pages.map((p) => p.path)).size, pages.length);
    });

    for (const page of pages) {
        const url = where(page, own);
        await test(`${page.path}: read by whom the table says, and by nobody else`, async () => {
            await every(async (role) => {
                const status = (await get(people[role].request, url)).status();
                if (page.readers.has(role)) assert.ok(![401, 403, 405, 500].includes(status), `${role}: ${status}`);
                else if (page.readers.size === 0) assert.ok([403, 404, 405].includes(status), `${role}: ${status}`);
                else assert.ok([403, 404].includes(status), `${role}: ${status}`);
            });
            const answer = await get(nobody, url);
            if (page.readers.has('public')) assert.ok(![401, 403, 405, 500].includes(answer.status()), `nobody: ${answer.status()}`);
            else if (page.readers.size) assert.match(answer.headers().location ?? `${answer.status()}`, /^\/login/);
        });
        if (page.writers.size === 0) {
            await test(`${page.path}: takes no form from anybody`, async () => {
                await every(async (role) => {
                    const status = (await post(people[role].request, url, { csrf: csrf[role] })).status();
                    assert.ok([403, 404, 405].includes(status), `${role}: ${status}`);
                });
            });
            continue;
        }
        await test(`${page.path}: a form from whom the table does not name, or with a forged token, is refused`, async () => {
            await every(async (role) => {
                if (!page.writers.has(role)) {
                    const status = (await post(people[role].request, url, { csrf: csrf[role], agree: 'yes' })).status();
                    assert.ok([403, 404, 405].includes(status), `${role}: ${status}`);
                }
                for (const token of ['', 'x', csrf[role === 'auditor' ? 'finance' : 'auditor']]) {
                    const status = (await post(people[role].request, url, { csrf: token })).status();
                    assert.ok([403, 404].includes(status), `${role} with "${token}": ${status}`);
                }
                const foreign = await people[role].request.post(url, { maxRedirects: 0, form: { csrf: csrf[role] }, headers: { Origin: 'https://evil.example' } });
                assert.ok([403, 404].includes(foreign.status()), `${role} from elsewhere: ${foreign.status()}`);
            });
            const answer = await post(nobody, url, { csrf: csrf.applicant });
            assert.ok(answer.status() === 403 || (answer.headers().location ?? '').startsWith('/login'), `nobody: ${answer.status()}`);
        });
    }

    await test("another organisation's application does not exist for an applicant, however asked for", async () => {
        for (const page of pages.filter((p) => p.path.includes('{application}'))) {
            const url = where(page, others);
            if (page.readers.has('applicant')) assert.equal((await get(people.applicant.request, url)).status(), 404, `GET ${url}`);
            if (page.writers.has('applicant'))
                assert.equal((await post(people.applicant.request, url, { csrf: csrf.applicant, reason: 'x' })).status(), 404, `POST ${url}`);
        }
        assert.equal(await bench.state(others), 'draft');
    });
    await test('nor with ids that are none, or try to be more', async () => {
        for (const id of ['CA20260101-00000000', '..%2f..%2fetc', `${own}%00`, `${own}'--`, 'a'.repeat(5000)]) {
            const status = (await get(people.applicant.request, `/applications/${id}`)).status();
            assert.ok([400, 404, 414, 431].includes(status), `${id.slice(0, 20)}: ${status}`);
        }
    });
    await test("a material's id does not open it under another application, nor to another role", async () => {
        const form = { kind: 'licence', csrf: csrf.other, file: { name: 'a.png', mimeType: 'image/png',
            buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64') } };
        const added = await people.other.request.post(`/applications/${others}/materials`, { maxRedirects: 0, multipart: form });
        assert.equal(added.status(), 303);
        const [{ id }] = await bench.sql(`SELECT id FROM material WHERE application = '${others}'`);
        const status = async (who, application) => (await get(people[who].request, `/applications/${application}/materials/${id}`)).status();
        assert.equal(await status('other', others), 200);
        assert.equal(await status('applicant', others), 404);
        assert.equal(await status('applicant', own), 404);
        assert.equal(await status('first_reviewer', own), 404);
        for (const role of ['operator', 'finance', 'administrator']) assert.equal(await status(role, others), 403, role);
    });
    await test('a person of two worlds cannot be made', async () => {
        await assert.rejects(bench.caportal('user', 'add', 'both@castation.example', '--name', 'x', '--role', 'applicant,first_reviewer',
            '--organisation-kind', 'enterprise', '--organisation', 'x', '--password-file', `${bench.bench}/secrets/hsm.pin`));
    });
});
