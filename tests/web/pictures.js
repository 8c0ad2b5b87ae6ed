#!/usr/bin/env node
/* make pictures: docs/images/*.png for the README, taken from the real pages while one application goes its way. */
'use strict';
const { mkdirSync, statSync } = require('node:fs');
const path = require('node:path');
const { Bench } = require('./lib/bench.js');
const { launch, Office, ROOT } = require('./lib/people.js');
const { scans } = require('./lib/fixtures.js');
const { Fast } = require('./lib/fast.js');
const way = require('./lib/way.js');

const FOLDER = path.join(ROOT, 'docs', 'images');
const LARGEST = 150 * 1024;

async function main() {
    mkdirSync(FOLDER, { recursive: true });
    const bench = await Bench.up();
    const browser = await launch();
    const office = new Office(browser, bench);
    const files = await scans(browser, '杭州示例科技有限公司');
    const picture = async (p, name, { scroll } = {}) => {
        if (scroll) await p.page.locator(scroll).first().scrollIntoViewIfNeeded();
        else await p.page.evaluate(() => window.scrollTo(0, 0));
        const file = path.join(FOLDER, `${name}.png`);
        await p.page.screenshot({ path: file });
        const { size } = statSync(file);
        console.log(`${path.relative(ROOT, file)} ${Math.round(size / 1024)} KB`);
        if (size > LARGEST) throw new Error(`${file} is larger than ${LARGEST} bytes`);
    };
    const fast = new Fast(office);
    for (const name of ['宁波样本贸易有限公司', '温州虚构电器股份有限公司', '嘉兴演示纺织有限公司'])
        await fast.paid(await fast.organisation(name), await scans(browser, name));

    const applicant = await office.as('enterprise');
    const id = await way.begin(applicant);
    await applicant.go('/workbench');
    await picture(applicant, 'workbench');
    await applicant.go(`/applications/${id}/form/organisation`);
    const given = way.answers();
    await way.fill_section(applicant, 'organisation', given.organisation);
    await picture(applicant, 'form');
    await way.next(applicant, 'organisation');
    await way.fill_section(applicant, 'people', given.people);
    await way.next(applicant, 'people');
    for (const kind of given.materials) await way.upload(applicant, kind, files[kind]);
    await picture(applicant, 'materials');
    await way.next(applicant, 'materials');
    await way.fill_section(applicant, 'delivery', given.delivery);
    await way.next(applicant, 'delivery');
    await way.submit(applicant);
    await picture(applicant, 'payment');
    await way.pay(await office.as('finance'), bench, id);

    const first = await office.as('first');
    await first.go('/review/first');
    await picture(first, 'queue');
    await first.go(`/applications/${id}/review`);
    await first.page.waitForLoadState('networkidle');
    await picture(first, 'review');
    await way.decide(first, id, 'approve');
    await applicant.go(`/applications/${id}`);
    await picture(applicant, 'paper');
    const final = await office.as('final');
    await way.paper(final, id, 'EMS1234567890');
    await way.decide(final, id, 'approve');
    await bench.until_state(id, 'made', 60);
    await applicant.go(`/applications/${id}/certificate`);
    await picture(applicant, 'certificate');
    const operator = await office.as('operator');
    await operator.go(`/applications/${id}/handover`);
    await picture(operator, 'handover');
    await way.post_token(operator, id, 'EMS', 'EA123456785CN');
    const phone = await office.as('enterprise', { width: 390, lang: 'en' });
    await phone.go(`/applications/${id}`);
    await picture(phone, 'phone-en');
    await browser.close();
    await bench.down();
}

main().then(() => process.exit(0), (e) => {
    console.error(e.stack);
    process.exit(1);
});
