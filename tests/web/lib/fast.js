/* The way of an application by its forms alone, without looking at the pages: to bring one quickly to where a test begins. */
'use strict';
const { assert } = require('./tap.js');
const way = require('./way.js');

const WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
/* A made-up enterprise's USCC (GB 32100-2015), the n-th. */
function uscc(n) {
    const body = `91330100MA${String(n).padStart(7, '0')}`;
    const sum = [...body].reduce((s, c, i) => s + ALPHABET.indexOf(c) * WEIGHTS[i], 0);
    return body + ALPHABET[(31 - (sum % 31)) % 31];
}

class Fast {
    constructor(office) {
        this.office = office;
        this.bench = office.bench;
        this.n = 0;
    }

    async form(p, url, fields, { from = '/workbench', multipart = false } = {}) {
        const page = await (await p.context.request.get(from)).text();
        const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1];
        const sent = { csrf, ...fields };
        const answer = await p.context.request.post(url, { maxRedirects: 0, ...(multipart ? { multipart: sent } : { form: sent }) });
        assert.equal(answer.status(), 303, `POST ${url}: ${answer.status()} ${(await answer.text()).replace(/<[^>]*>|\s+/g, ' ').slice(0, 600)}`);
        return answer.headers().location;
    }

    /* An organisation of its own, with a user; logged in. */
    async organisation(name, { institution = false, lang = 'zh' } = {}) {
        const user = `org${++this.n}`;
        const file = `${this.bench.bench}/secrets/${user}.password`;
        const password = `kranich-${this.n}-auf-reisen`;
        require('node:fs').writeFileSync(file, password, { mode: 0o600 });
        await this.bench.caportal('user', 'add', `${user}@castation.example`, '--name', `用户${this.n}`, '--role', 'applicant', '--password-file', file,
            '--organisation-kind', institution ? 'institution' : 'enterprise', '--organisation', name, ...(institution ? [] : ['--uscc', uscc(this.n)]));
        this.bench.accounts[user] = { name: user, email: `${user}@castation.example`, password };
        const p = await this.office.as(user, { lang });
        p.organisation = { name, identifier: institution ? '' : uscc(this.n) };
        return p;
    }

    async draft(p) {
        return /applications\/([^/]+)/.exec(await this.form(p, '/apply', { terms: '1' }))[1];
    }

    async filled(p, scans, over = {}) {
        const id = await this.draft(p);
        const given = way.answers(over);
        const flat = ({ region, ...rest }, prefix) => ({ ...rest,
            ...(region ? { [`${prefix}_province`]: region[0], [`${prefix}_city`]: region[1], [`${prefix}_district`]: region[2] } : {}) });
        const save = (section, values) => this.form(p, `/applications/${id}/form/${section}`, { ...values, go: 'next' });
        await save('organisation', { ...p.organisation, ...flat(given.organisation, 'authority') });
        await save('people', given.people);
        for (const kind of given.materials) await this.form(p, `/applications/${id}/materials`, { kind, file: scans[kind] }, { multipart: true });
        await save('delivery', flat(given.delivery, 'delivery'));
        return id;
    }

    async submitted(p, scans, over) {
        const id = await this.filled(p, scans, over);
        await this.form(p, `/applications/${id}/form/check`, { go: 'submit' });
        return id;
    }

    async paid(p, scans, over) {
        const id = await this.submitted(p, scans, over);
        const order = await way.order_of(this.bench, id);
        if (order) await this.form(await this.office.as('finance'), `/finance/orders/${order.id}`,
            { amount: (order.fen / 100).toFixed(2), reference: `FAST-${id}`, paid_date: '2026-01-05', paid_time: '10:00' });
        return id;
    }

    async decide(who, id, decision, more = {}) {
        const p = await this.office.as(who);
        const page = await (await p.context.request.get(`/applications/${id}/review`)).text();
        const hidden = (name) => new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1];
        await this.form(p, `/applications/${id}/review`, { decision, stage: hidden('stage'), review_sha256: hidden('review_sha256'), ...more });
    }

    async first_approved(p, scans, over) {
        const id = await this.paid(p, scans, over);
        await this.decide('first', id, 'approve');
        return id;
    }

    async approved(p, scans, over) {
        const id = await this.first_approved(p, scans, over);
        await this.form(await this.office.as('final'), `/applications/${id}/paper`, { number: `P-${id}` });
        await this.decide('final', id, 'approve');
        return id;
    }

    async made(p, scans, over) {
        const id = await this.approved(p, scans, over);
        await this.bench.until_state(id, 'made', 60);
        return id;
    }
}

module.exports = { Fast, uscc };
