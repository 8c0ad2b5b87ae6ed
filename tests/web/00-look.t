#!/usr/bin/env node
/* (The longest comes first, so that the others run beside it.)
 * Every page, as those who may read it see it, in both languages, on a desk and on a telephone: axe finds nothing, the
 * browser has nothing to say, nothing is wider than the screen. Pictures: build/web/LANGUAGE-WIDTH/.
 * Each page in Chinese on a desk and in English on a telephone; with LOOK=all in all four ways (make check-web). */
'use strict';
const { web_test, test, need, assert } = require('./lib/start.js');
const { pages } = require('./lib/pages.js');
const { Fast } = require('./lib/fast.js');
const admin = require('./lib/admin.js');

const DESK = 1280, PHONE = 390;
const WIDTHS = process.env.LOOK === 'all' ? { zh: [DESK, PHONE], en: [DESK, PHONE] } : { zh: [DESK], en: [PHONE] };
const SEATS = 3;
/* What is no page to look at: files, a fragment, what only redirects. */
const NO_PAGE = ['PAGE_STATIC_FILE', 'PAGE_LANGUAGE', 'PAGE_AUTHORISATION_BLANK', 'PAGE_REGIONS', 'PAGE_MATERIAL', 'PAGE_AUTHORISATION',
    'PAGE_CERTIFICATE_FILE', 'PAGE_EXPORT', 'PAGE_APPLICATIONS_FILE'];

web_test('look', async (stage) => {
    const { bench, office, scans } = stage;
    const a = {}, fast = new Fast(office);
    const link = async (to, matches) => matches.exec((await bench.mail(to, matches)).text)[0].replace(/^https?:\/\/[^/]+/, '');
    let visits;

    await need('there is one application in every state', async () => {
        await admin.add_point(await office.as('admin'), '市民服务中心', '杭州市上城区解放东路 18 号');
        const [{ id: point }] = await bench.sql('SELECT id FROM service_point');
        const who = (name, more) => fast.organisation(name, more);
        a.user = {};
        const put = async (state, p, id) => { a[state] = await id; a.user[state] = p.account.name; };
        let p;
        p = await who('杭州起草科技有限公司'); await put('draft', p, fast.filled(p, scans, { people: { agent: 'yes', agent_name: '钱代办', agent_id_number: '11010519491231002X', agent_mobile: '13900000001' } }));
        p = await who('宁波缴费贸易有限公司'); await put('due', p, fast.submitted(p, scans));
        p = await who('温州初审电器股份有限公司'); await put('first', p, fast.paid(p, scans));
        p = await who('嘉兴退回纺织有限公司'); await put('returned', p, fast.paid(p, scans));
        await fast.decide('first', a.returned, 'return', { reason_material_licence: 'seal', text_authority_name: '请按公章填写' });
        p = await who('湖州终审建设工程有限公司'); await put('final', p, fast.first_approved(p, scans));
        p = await who('绍兴驳回食品有限公司'); await put('rejected', p, fast.paid(p, scans));
        await fast.decide('first', a.rejected, 'reject', { note: '营业执照已注销' });
        p = await who('金华邮寄五金有限公司'); await put('issued', p, fast.made(p, scans));
        await fast.form(await office.as('operator'), `/applications/${a.issued}/handover`, { act: 'post', carrier: 'EMS', number: 'EA123456785CN' });
        p = await who('示例市第一中学', { institution: true }); await put('ready', p, fast.made(p, scans, { delivery: { delivery_method: 'pickup', pickup_point: point } }));
        await fast.form(await office.as('operator'), `/applications/${a.ready}/handover`, { act: 'offer' });
        p = await who('衢州待寄化工有限公司'); await put('made', p, fast.made(p, scans));
        await bench.tell('stop', 'station');
        p = await who('舟山待制海运有限公司'); await put('approved', p, fast.approved(p, scans));
        await fast.form(await office.as('first'), `/applications/${a.first}/reveal`, { field: 'delivery_phone', from: 'review' }).catch(() => {});
    }, 150);

    await need('and a link of each kind in the mails', async () => {
        const nobody = await office.someone();
        await nobody.go('/register');
        await nobody.fill({ kind: 'institution', organisation: '示例市图书馆', name: '新来', mobile: '13900000009', email: 'new@library.example',
            password: 'correct horse staple', password_again: 'correct horse staple' });
        await nobody.press('form[action="/register"] button[type=submit]');
        a.email_check = await link('new@library.example', /https?:\/\/\S+\/email\/[\w-]+/);
        await fast.form(await office.as(a.user.draft), '/organisation', { action: 'invite', email: 'colleague@library.example' });
        a.invitation = await link('colleague@library.example', /https?:\/\/\S+\/invitation\/[\w-]+/);
        await nobody.go('/password/forgot');
        await nobody.fill({ email: 'org2@castation.example' });
        await nobody.press('form[action="/password/forgot"] button[type=submit]');
        a.reset = await link('org2@castation.example', /https?:\/\/\S+\/password\/reset\/[\w-]+/);
        const orders = await bench.sql('SELECT id, state FROM payment_order');
        a.order = Object.fromEntries(orders.map((o) => [o.state, o.id]));
        [{ id: a.account }] = await bench.sql("SELECT id FROM account WHERE email = 'first2@castation.example'");
        [{ id: a.notice }] = await bench.sql("SELECT n.id FROM notice n JOIN account u ON u.id = n.account WHERE u.email = 'operator@castation.example' LIMIT 1")
            .then((r) => (r.length ? r : [{ id: '' }]));
        const [own] = await bench.sql("SELECT n.id FROM notice n JOIN account u ON u.id = n.account WHERE u.email = 'org4@castation.example' LIMIT 1");
        a.own_notice = own.id;
        const u = a.user, on = (id) => `/applications/${id}`;
        /* [page of page.def, who, path, name of the picture] */
        visits = [
            ['PAGE_HOME', '', '/', 'home'], ['PAGE_LOGIN', '', '/login', 'login'], ['PAGE_REGISTER', '', '/register', 'register'],
            ['PAGE_REGISTER_SENT', '', '/register/sent', 'register-sent'], ['PAGE_EMAIL_CHECK', '', a.email_check, 'email-check'],
            ['PAGE_EMAIL_CHECK', '', '/email/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'email-check-over'],
            ['PAGE_INVITATION', '', a.invitation, 'invitation'], ['PAGE_FORGOT', '', '/password/forgot', 'forgot'],
            ['PAGE_RESET', '', a.reset, 'reset'], ['', '', '/no/such/page', 'not-found'],
            ['PAGE_LOGIN_CODE', 'half', '/login/code', 'login-code'],
            ['PAGE_WORKBENCH', u.draft, '/workbench', 'workbench-applicant'], ['PAGE_WORKBENCH', 'operator', '/workbench', 'workbench-operator'],
            ['PAGE_WORKBENCH', 'auditor', '/workbench', 'workbench-auditor'], ['PAGE_WORKBENCH', 'admin', '/workbench', 'workbench-admin'],
            ['PAGE_WORKBENCH', 'finance', '/workbench', 'workbench-finance'], ['PAGE_WORKBENCH', 'first', '/workbench', 'workbench-first'],
            ['PAGE_ACCOUNT', 'first', '/account', 'account'], ['PAGE_PASSWORD', u.draft, '/account/password', 'password'],
            ['PAGE_TOTP', u.draft, '/account/totp', 'totp'], ['PAGE_ORGANISATION', u.draft, '/organisation', 'organisation'],
            ['PAGE_NOTICES', u.issued, '/notices', 'notices'], ['PAGE_NOTICES', 'auditor', '/notices', 'notices-none'],
            ['PAGE_NOTICE', u.returned, `/notices/${a.own_notice}`, 'notice'],
            ['PAGE_CERTIFICATES', u.draft, '/certificates', 'certificates-under-way'], ['PAGE_CERTIFICATES', u.issued, '/certificates', 'certificates'],
            ['PAGE_CERTIFICATES', 'enterprise', '/certificates', 'certificates-none'],
            ['PAGE_APPLY', 'enterprise', '/apply', 'apply'], ['PAGE_APPLY', u.draft, '/apply', 'apply-under-way'],
            ['PAGE_FORM', u.draft, `${on(a.draft)}/form/organisation`, 'form-organisation'], ['PAGE_FORM', u.draft, `${on(a.draft)}/form/people`, 'form-people'],
            ['PAGE_FORM', u.draft, `${on(a.draft)}/form/materials`, 'form-materials'], ['PAGE_FORM', u.draft, `${on(a.draft)}/form/delivery`, 'form-delivery'],
            ['PAGE_FORM', u.draft, `${on(a.draft)}/form/check`, 'form-check'], ['PAGE_FORM', u.returned, `${on(a.returned)}/form/organisation?check=1`, 'form-returned'],
            ['PAGE_PAYMENT', u.due, `${on(a.due)}/payment`, 'payment'], ['PAGE_SUBMITTED', u.first, `${on(a.first)}/submitted`, 'submitted'],
            ['PAGE_WITHDRAW', u.first, `${on(a.first)}/withdraw`, 'withdraw'],
            ...['draft', 'due', 'first', 'returned', 'final', 'rejected', 'approved', 'made', 'ready', 'issued'].map((s) => ['PAGE_APPLICATION', u[s], on(a[s]), `application-${s}`]),
            ['PAGE_APPLICATION', 'auditor', on(a.issued), 'application-auditor'],
            ['PAGE_CERTIFICATE', u.issued, `${on(a.issued)}/certificate`, 'certificate'], ['PAGE_CERTIFICATE', u.first, `${on(a.first)}/certificate`, 'certificate-none'],
            ['PAGE_APPLICATIONS', 'auditor', '/applications', 'applications'], ['PAGE_APPLICATIONS', 'first', '/applications?state=issued&q=zz', 'applications-none'],
            ['PAGE_QUEUE_FIRST', 'first', '/review/first', 'queue-first'], ['PAGE_QUEUE_FINAL', 'final', '/review/final', 'queue-final'],
            ['PAGE_REVIEW', 'first', `${on(a.first)}/review`, 'review-first'], ['PAGE_REVIEW', 'final', `${on(a.final)}/review`, 'review-final'],
            ['PAGE_REVIEW', 'auditor', `${on(a.issued)}/review`, 'review-auditor'],
            ['PAGE_ORDERS', 'finance', '/finance/orders', 'orders'], ['PAGE_ORDER', 'finance', `/finance/orders/${a.order.due}`, 'order-due'],
            ['PAGE_ORDER', 'finance', `/finance/orders/${a.order.refund_due}`, 'order-refund'], ['PAGE_ORDER', 'auditor', `/finance/orders/${a.order.paid}`, 'order-paid'],
            ['PAGE_BENCH', 'operator', '/bench', 'bench'], ['PAGE_HANDOVER', 'operator', `${on(a.made)}/handover`, 'handover-made'],
            ['PAGE_HANDOVER', 'operator', `${on(a.ready)}/handover`, 'handover-ready'], ['PAGE_HANDOVER', 'auditor', `${on(a.issued)}/handover`, 'handover-issued'],
            ['PAGE_ADMIN_USERS', 'admin', '/admin/users', 'admin-users'], ['PAGE_ADMIN_USER', 'admin', `/admin/users/${a.account}`, 'admin-user'],
            ['PAGE_ADMIN_PRICES', 'admin', '/admin/prices', 'admin-prices'], ['PAGE_ADMIN_PRICES', 'finance', '/admin/prices', 'admin-prices-read'],
            ['PAGE_ADMIN_TERMS', 'admin', '/admin/terms', 'admin-terms'], ['PAGE_ADMIN_POINTS', 'admin', '/admin/points', 'admin-points'],
            ['PAGE_ADMIN_CALENDAR', 'admin', '/admin/calendar', 'admin-calendar'], ['PAGE_ADMIN_SETTINGS', 'admin', '/admin/settings', 'admin-settings'],
            ['PAGE_ADMIN_STATIONS', 'admin', '/admin/stations', 'admin-stations'], ['PAGE_ADMIN_MAIL', 'admin', '/admin/mail', 'admin-mail'],
            ['PAGE_AUDIT', 'auditor', '/audit', 'audit'], ['', u.draft, '/review/first', 'forbidden'],
        ];
    });

    await test('every page of page.def that can be read is looked at', async () => {
        const seen = new Set(visits.map((v) => v[0]));
        assert.deepEqual(pages.filter((p) => p.readers.size && !NO_PAGE.includes(p.name) && !seen.has(p.name)).map((p) => p.name), []);
    });

    async function half(lang) {
        const p = await office.someone({ lang });
        p.account = bench.accounts.final2;
        await p.go('/login');
        await p.fill({ email: p.account.email, password: p.account.password });
        await p.press('form[method=post] button[type=submit]');
        return p;
    }

    await test('what should be found is found', async () => {
        const p = await office.someone();
        await p.go('/login');
        assert.deepEqual([await p.axe(), await p.overflow()], [[], '']);
        await p.page.evaluate(() => {
            const wide = document.createElement('div');
            wide.style.width = '3000px';
            wide.append('x', document.createElement('img'));
            document.querySelector('main').append(wide);
        });
        assert.match((await p.axe()).join(), /image-alt/);
        assert.match(await p.overflow(), /^\d+ px/);
    });

    for (const lang of ['zh', 'en']) {
        const found = {};
        const work = [...visits];
        const seats = {};
        const seat = async (who) => {
            const fresh = who === 'half' ? await half(lang) : who ? await office.as(who, { lang }) : await office.someone({ lang });
            return fresh;
        };
        const look = async () => {
            for (let v = work.shift(); v; v = work.shift()) {
                const [, who, url, picture] = v;
                const p = (seats[who] ??= []).pop() ?? (await seat(who));
                const wrong = [];
                try {
                    const answer = await p.go(url);
                    if (![200, 404, 403, 410].includes(answer.status())) wrong.push(`status ${answer.status()}`);
                    if ((await p.page.locator('html').getAttribute('lang')) !== (lang === 'zh' ? 'zh-CN' : 'en')) wrong.push('another language');
                    if ((await p.page.locator('h1').count()) !== 1) wrong.push('not one h1');
                    for (const width of WIDTHS[lang]) {
                        await p.page.setViewportSize({ width, height: width < 600 ? 800 : 900 });
                        for (const line of await p.axe()) wrong.push(`${width}: ${line}`);
                        const wide = await p.overflow();
                        if (wide) wrong.push(`${width}: wider than the screen by ${wide}`);
                        await p.shot(`${lang}-${width}/${picture}`);
                    }
                } catch (e) {
                    wrong.push(e.message.split('\n')[0]);
                }
                if (wrong.length) found[`${picture} ${url}`] = wrong;
                seats[who].push(p);
            }
        };
        await test(`in ${lang}: nothing is found on any page`, async () => {
            /* log in one after the other: a code is good for once */
            for (const who of new Set(visits.map((v) => v[1]))) (seats[who] ??= []).push(await seat(who));
            await Promise.all(Array.from({ length: SEATS }, look));
            assert.deepEqual(found, {});
        }, 400);
    }
});
