#!/usr/bin/env node
/* From nobody to a user: registration, invitation, a forgotten password, a second factor; staff invited by the administrator. */
'use strict';
const { web_test, test, need, assert } = require('./lib/start.js');
const { uscc } = require('./lib/fast.js');
const { totp } = require('./lib/totp.js');
const way = require('./lib/way.js');

const PASSWORD = 'correct horse staple';

web_test('accounts', async ({ bench, office }) => {
    const link = async (to, matches) => matches.exec((await bench.mail(to, matches)).text)[0].replace(/^https?:\/\/[^/]+/, '');
    const nobody = await office.someone();
    const owner = { name: 'owner', email: 'owner@library.example', password: PASSWORD };
    const register = async (over = {}, p = nobody) => {
        await p.go('/register');
        await p.fill({ kind: 'enterprise', organisation: '杭州注册有限公司', uscc: uscc(77), name: '新来的', mobile: '13900000009', email: owner.email,
            password: PASSWORD, password_again: PASSWORD, ...over });
        await p.press('form[action="/register"] button[type=submit]');
    };

    await test('what is wrong in a registration is said at its field, and nothing typed is lost but the password', async () => {
        for (const [over, field] of [[{ uscc: '91330100799655058C' }, 'uscc'], [{ password: 'short', password_again: 'short' }, 'password'],
            [{ password_again: 'another horse staple' }, 'password_again'], [{ name: '' }, 'name']]) {
            await register(over);
            assert.equal(nobody.path, '/register', field);
            assert.equal(await nobody.page.locator(`main [name="${field}"]`).first().getAttribute('aria-invalid'), 'true', field);
            assert.equal(await nobody.page.locator('main [name="organisation"]').inputValue(), '杭州注册有限公司');
            assert.equal(await nobody.page.locator('main [name="password"]').inputValue(), '');
        }
    });
    await need('an organisation registers itself; before its e-mail is checked nobody gets in', async () => {
        await register();
        assert.equal(nobody.path, '/register/sent');
        await assert.rejects((await office.someone()).log_in(owner), /cannot log in/);
    });
    await need('the link in the mail, with the password, opens the account', async () => {
        await nobody.go(await link(owner.email, /https?:\/\/\S+\/email\/[\w-]+/));
        await nobody.fill({ password: PASSWORD });
        await nobody.press('main form button[type=submit], form button[type=submit]');
        await (await office.someone()).log_in(owner);
    });
    await test('a second registration with the same address tells a stranger nothing new', async () => {
        const stranger = await office.someone();
        await register({ organisation: '别的公司', uscc: uscc(78) }, stranger);
        assert.equal(stranger.path, '/register/sent');
        await bench.mail(owner.email, /已|登录/);
        await (await office.someone()).log_in(owner);
    });

    const first = await office.as(owner);
    const colleague = { name: 'colleague', email: 'colleague@library.example', password: 'another horse staple' };
    await need('a colleague is invited, and accepts', async () => {
        await first.go('/organisation');
        await first.fill({ email: colleague.email }, first.page.locator('main form.form-narrow'));
        await first.press('form.form-narrow button[type=submit]');
        const path = await link(colleague.email, /https?:\/\/\S+\/invitation\/[\w-]+/);
        await nobody.go(path);
        await nobody.fill({ name: '同事', mobile: '13900000010', password: colleague.password, password_again: colleague.password });
        await nobody.press('form button[type=submit]');
        await nobody.context.clearCookies();
        await nobody.go(path);
        assert.equal(await nobody.page.locator('main [name="password"]').count(), 0, 'the link is good for once');
    });
    await test('both see the same application', async () => {
        const id = await way.begin(first);
        const second = await office.as(colleague);
        await second.go('/certificates');
        assert.ok((await second.text('main')).includes(id));
        assert.equal(await second.page.locator('main a[href="/apply"]').count(), 0, 'one is under way: no second begins');
    });
    await test('one who is disabled is out at once', async () => {
        const second = await office.as(colleague);
        await first.go('/organisation');
        await first.press('form:has(input[name="action"][value="disable"]) button');
        await second.go('/workbench');
        assert.equal(second.path, '/login');
    });
    await test('a forgotten password is set anew by mail, once, and ends the sessions', async () => {
        const old = await office.as(owner, { fresh: true });
        await nobody.go('/password/forgot');
        await nobody.fill({ email: owner.email });
        await nobody.press('form[action="/password/forgot"] button[type=submit]');
        const path = await link(owner.email, /https?:\/\/\S+\/password\/reset\/[\w-]+/);
        await nobody.go(path);
        await nobody.fill({ password: 'a third horse staple', password_again: 'a third horse staple' });
        await nobody.press('form button[type=submit]');
        await old.go('/workbench');
        assert.equal(old.path, '/login');
        await assert.rejects((await office.someone()).log_in(owner), /cannot log in/);
        owner.password = 'a third horse staple';
        await (await office.someone()).log_in(owner);
        await nobody.go(path);
        assert.equal(await nobody.page.locator('main [name="password"]').count(), 0);
    });
    await test('an unknown address is answered like a known one', async () => {
        const said = [];
        for (const email of [owner.email, 'unknown@library.example']) {
            await nobody.go('/password/forgot');
            await nobody.fill({ email });
            await nobody.press('form[action="/password/forgot"] button[type=submit]');
            said.push((await nobody.text('main')).replaceAll(email, ''));
        }
        assert.equal(said[0], said[1]);
        assert.equal(bench.mails('unknown@library.example').length, 0);
    });

    await need('the administrator invites a reviewer, who sets password and second factor, and only then sees the queue', async () => {
        const admin = await office.as('admin');
        await admin.go('/admin/users');
        await admin.fill({ name: '新审核', email: 'new@castation.example', mobile: '' }, admin.page.locator('main form[method=post][action="/admin/users"]'));
        await admin.page.locator('main form[method=post][action="/admin/users"] input[type=checkbox][value="first_reviewer"], main form[method=post][action="/admin/users"] [name="role_first_reviewer"]').first().check();
        await admin.press('form[method=post][action="/admin/users"] button.btn-primary');
        const p = await office.someone();
        await p.go(await link('new@castation.example', /https?:\/\/\S+\/invitation\/[\w-]+/));
        await p.fill({ password: PASSWORD, password_again: PASSWORD });
        await p.press('form button[type=submit]');
        await p.go('/review/first');
        assert.notEqual(p.path, '/review/first');
        if (p.path === '/login') {
            await p.fill({ email: 'new@castation.example', password: PASSWORD });
            await p.press('form[method=post] button[type=submit]');
        }
        assert.equal(p.path, '/account/totp');
        const secret = await p.page.locator('main input[name="secret"]').getAttribute('value');
        await p.fill({ code: totp(secret) });
        await p.press('form[action="/account/totp"] button[type=submit]');
        await p.go('/review/first');
        assert.equal(p.path, '/review/first');
    });
    await test('nobody can make himself more than he is', async () => {
        await first.go('/login');
        const p = await office.as(owner, { fresh: true });
        await p.go('/account');
        const csrf = await p.page.locator('input[name=csrf]').first().getAttribute('value');
        await p.context.request.post('/account', { maxRedirects: 0, form: { csrf, name: '新来的', mobile: '', lang: 'zh', roles: '127', role_administrator: 'yes', action: 'profile' } });
        assert.equal((await bench.sql(`SELECT roles FROM account WHERE email = '${owner.email}'`))[0].roles, 1);
    });
    await test('a language chosen is kept', async () => {
        const p = await office.as(owner, { fresh: true, lang: 'en' });
        await p.go('/workbench');
        assert.equal(await p.page.locator('html').getAttribute('lang'), 'en');
        await p.go('/language/zh');
        await p.go('/workbench');
        assert.equal(await p.page.locator('html').getAttribute('lang'), 'zh-CN');
    });
    await test('where a log-in leads to is of this site', async () => {
        for (const next of ['https://evil.example/', '//evil.example/', '/\\evil.example', 'javascript:alert(1)']) {
            const p = await office.someone();
            await p.go(`/login?next=${encodeURIComponent(next)}`);
            await p.fill({ email: owner.email, password: owner.password });
            await p.press('form[method=post] button[type=submit]');
            assert.equal(new URL(p.page.url()).origin, bench.url, next);
        }
    });
});
