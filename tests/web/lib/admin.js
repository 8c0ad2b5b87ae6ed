/* What the administrator does on the pages. */
'use strict';
const { assert } = require('./tap.js');

async function add_point(p, name, address) {
    await p.go('/admin/points');
    const form = p.page.locator('main form.form[action="/admin/points"]');
    await p.fill({ name, region: '浙江省杭州市', address, phone: '0571-12345678', hours: '9:00-17:00' }, form);
    await p.press('form.form[action="/admin/points"] button.btn-primary');
    assert.ok((await p.text('main')).includes(name), await p.text('main'));
}

module.exports = { add_point };
