/* The way of an application, as each of its people walks it in the browser. Every function ends where its person sees
 * that it was done, or throws. */
'use strict';
const { assert, need } = require('./tap.js');

const PROFILE = 'org-sign-p256';
const AGENT = { agent: 'yes', agent_name: '钱代办', agent_id_number: '11010519491231002X', agent_mobile: '13900000001' };
const MAIL = {
    delivery_method: 'mail', delivery_name: '张三', delivery_phone: '13800000000',
    region: ['330000', '330100', '330106'], delivery_address: '文三路 1 号示例大厦 3 层',
};

/* What an organisation types. {name, identifier} where its account does not know them. */
function answers(over = {}) {
    return {
        organisation: {
            region: ['330000', '330100', '330106'], authority_name: '杭州市西湖区市场监督管理局', certificate: `${PROFILE}:365`,
            ...over.organisation,
        },
        people: { legal_representative: '李示例', agent: 'no', ...over.people },
        materials: over.materials ?? ['licence', 'representative_id', 'application_form',
            ...(over.people?.agent === 'yes' ? ['authorisation', 'agent_id'] : [])],
        delivery: over.delivery ?? MAIL,
    };
}

const id_of = (p) => /^\/applications\/([^/]+)/.exec(p.path)?.[1];
const section_form = (p, section) => p.page.locator(`main form[action$="/form/${section}"]`).first();

/* Three selects that depend on each other: by themselves with JavaScript, by "continue" without. */
async function region(p, prefix, codes) {
    const levels = ['province', 'city', 'district'];
    for (let i = 0; i < codes.length; i++) {
        const select = p.page.locator(`main select[name="${prefix}_${levels[i]}"]`);
        if (p.js) {
            await select.locator(`option[value="${codes[i]}"]`).waitFor({ state: 'attached' });
            await Promise.all([p.page.waitForResponse(/\/regions\?/), select.selectOption(codes[i])]);
            await p.page.waitForFunction(() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling, .htmx-added'));
        } else {
            if (!(await select.locator(`option[value="${codes[i]}"]`).count())) await go_on_region(p);
            await p.page.locator(`main select[name="${prefix}_${levels[i]}"]`).selectOption(codes[i]);
        }
    }
}
async function go_on_region(p) {
    await p.press('button[name="go"][value="cascade"]');
}

/* From the workbench through the lock and the terms to the form's first section. The application's id. */
async function begin(p) {
    await p.go('/workbench');
    await Promise.all([p.page.waitForURL('**/certificates'), p.page.locator('header a[href="/certificates"]').first().click()]);
    await Promise.all([p.page.waitForURL('**/apply'), p.page.locator('main a[href="/apply"]').first().click()]);
    await p.press('form[action="/apply"] button[type=submit]');
    assert.match(p.path, /\/form\/organisation$/, await p.text('main'));
    return id_of(p);
}

async function fill_section(p, section, given) {
    const { region: codes, ...values } = given;
    if (section === 'delivery' && values.delivery_method) await p.fill({ delivery_method: values.delivery_method });
    if (codes) await region(p, section === 'organisation' ? 'authority' : 'delivery', codes);
    await p.fill(values, section_form(p, section));
}

/* Save the section and go on to the next. */
async function next(p, section) {
    if (section === 'materials') await p.press('a[href$="/form/delivery"].btn-primary, button[name="go"][value="next"]');
    else await p.press(`form[action$="/form/${section}"] button[name="go"][value="next"]`);
}

/* Choosing is enough with JavaScript; without, there is a button. */
async function upload(p, kind, file) {
    const form = p.page.locator(`main form[action$="/materials"]:has(input[name="kind"][value="${kind}"])`);
    const there = p.page.waitForNavigation({ waitUntil: 'load' });
    await form.locator('input[type=file]').setInputFiles(file);
    if (!p.js) await form.locator('button[type=submit]').click();
    await there;
}

/* All of the form, up to the last page before "submit". */
async function fill_form(p, given, scans) {
    await fill_section(p, 'organisation', given.organisation);
    await next(p, 'organisation');
    await fill_section(p, 'people', given.people);
    await next(p, 'people');
    for (const kind of given.materials) await upload(p, kind, scans[kind]);
    await next(p, 'materials');
    await fill_section(p, 'delivery', given.delivery);
    await next(p, 'delivery');
    assert.match(p.path, /\/form\/check$/, await p.text('main'));
}

async function submit(p) {
    await p.press('form[action$="/form/check"] button[type=submit]');
    return id_of(p);
}

/* ---- the operating organisation ---- */

async function order_of(bench, application) {
    const [row] = await bench.sql(`SELECT id, fen, state FROM payment_order WHERE application = '${application}' ORDER BY created_at DESC LIMIT 1`);
    return row;
}

let transfers = 0;
async function pay(p, bench, application) {
    const order = await order_of(bench, application);
    await p.go(`/finance/orders/${order.id}`);
    const at = new Date(Date.now() + 8 * 3600000 - 120000).toISOString();
    await p.fill({
        amount: (order.fen / 100).toFixed(2), reference: `TRANSFER-${process.pid}-${++transfers}`,
        paid_date: at.slice(0, 10), paid_time: at.slice(11, 16),
    });
    await p.press(`form[action="/finance/orders/${order.id}"] button[type=submit]`);
    assert.equal((await order_of(bench, application)).state, 'paid', await p.text('main'));
}

const review_form = (application) => `form[action="/applications/${application}/review"]`;

async function decide(p, application, decision, more = {}) {
    if (p.path !== `/applications/${application}/review`) await p.go(`/applications/${application}/review`);
    await p.fill({ decision, ...more }, p.page.locator(`main ${review_form(application)}`));
    await p.press(`${review_form(application)} button[type=submit]`);
}

async function paper(p, application, number) {
    await p.go(`/applications/${application}/review`);
    await p.fill({ number }, p.page.locator(`main form[action="/applications/${application}/paper"]`));
    await p.press(`form[action="/applications/${application}/paper"] button[type=submit]`);
}

async function post_token(p, application, carrier, number) {
    await p.go(`/applications/${application}/handover`);
    await p.fill({ carrier, number });
    await p.press('form:has(input[name="act"][value="post"]) button[type=submit]');
}
async function offer(p, application) {
    await p.go(`/applications/${application}/handover`);
    await p.press('form:has(input[name="act"][value="offer"]) button[type=submit]');
}
async function pick_up(p, application, note) {
    await p.go(`/applications/${application}/handover`);
    await p.fill({ note });
    await p.press('form:has(input[name="act"][value="pick_up"]) button[type=submit]');
}

/* The whole way in a few steps, for one more kind of applicant, language or browser. The application's id.
 * {who, given, options: {lang, js}, free, pickup, name: of the tests} */
async function whole_way({ bench, office, scans }, { who, given, options = {}, free, pickup, name }) {
    let id;
    const as = (person) => office.as(person, options);
    const applicant = await as(who);
    await need(`${name}: a draft is begun and filled in`, async () => {
        id = await begin(applicant);
        await fill_form(applicant, given, scans);
    });
    await need(`${name}: it is submitted${free ? ', free of charge' : ' and paid'}`, async () => {
        await submit(applicant);
        assert.equal(applicant.path, `/applications/${id}/${free ? 'submitted' : 'payment'}`);
        if (free) assert.equal(await order_of(bench, id), undefined);
        else await pay(await as('finance'), bench, id);
        assert.equal(await bench.state(id), 'first_review');
    });
    await need(`${name}: two reviewers approve it`, async () => {
        await decide(await as('first'), id, 'approve');
        assert.equal(await bench.state(id), 'final_review');
        const final = await as('final');
        await paper(final, id, `PAPER-${id}`);
        await decide(final, id, 'approve');
        assert.match(await bench.state(id), /approved|claimed|made/);
    });
    await need(`${name}: its token is made, its certificate shown`, async () => {
        await bench.until_state(id, 'made', 60);
        await applicant.go(`/applications/${id}/certificate`);
        const [{ serial }] = await bench.sql(`SELECT serial FROM certificate WHERE application = '${id}' AND voided_at IS NULL`);
        assert.ok((await applicant.text('main')).toLowerCase().replace(/[^0-9a-z]/g, '').includes(serial.toLowerCase()));
    }, 70);
    await need(`${name}: it is handed over`, async () => {
        const operator = await as('operator');
        if (pickup) {
            await offer(operator, id);
            assert.equal(await bench.state(id), 'ready_for_pickup');
            await pick_up(operator, id, 'shown: identity card');
        } else {
            await post_token(operator, id, 'EMS', 'EA123456785CN');
        }
        assert.equal(await bench.state(id), 'issued');
    });
    return id;
}

module.exports = { whole_way, answers, begin, fill_section, fill_form, next, upload, submit, pay, order_of, decide, paper, post_token, offer, pick_up,
    region, id_of, AGENT, MAIL, PROFILE };
