/* The browser, and the people who sit before it: each a context of his own (cookies, language, width, with JavaScript
 * or without). */
'use strict';
const { createRequire } = require('node:module');
const { mkdirSync } = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..', '..');
const from_npm = createRequire(path.join(ROOT, 'build/web/npm/'));
const { chromium } = from_npm('playwright-core');
const axe = from_npm('axe-core');
const SHOTS = path.join(ROOT, 'build/web');

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--lang=zh-CN'];

const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

/* What a browser says when a page refuses something with 4xx: that is the page's own word, and no fault of it. */
const HARMLESS = /Failed to load resource: the server responded with a status of 4\d\d/;

class Person {
    /* {lang: "zh" | "en", js: true, width: 1280, state: of an earlier log-in} */
    static async sit(browser, bench, { lang = 'zh', js = true, width = 1280, state } = {}) {
        const p = new Person();
        p.bench = bench;
        p.lang = lang;
        p.js = js;
        p.complaints = [];
        p.context = await browser.newContext({
            baseURL: bench.url,
            javaScriptEnabled: js,
            viewport: { width, height: width < 600 ? 800 : 900 },
            locale: lang === 'zh' ? 'zh-CN' : 'en-GB',
            timezoneId: 'Asia/Shanghai',
            storageState: state,
        });
        p.context.setDefaultTimeout(15000);
        p.page = await p.context.newPage();
        p.watch(p.page);
        if (!state) await p.page.goto(`/language/${lang}`);
        return p;
    }

    /* Errors, CSP reports, 5xx: everything that nobody should ever see. */
    watch(page) {
        const complain = (what) => this.complaints.push(`${new URL(page.url()).pathname}: ${what}`);
        page.on('console', (m) => {
            if (['error', 'warning'].includes(m.type()) && !HARMLESS.test(m.text())) complain(m.text());
        });
        page.on('pageerror', (e) => complain(e.message));
        page.on('response', (r) => {
            if (r.status() >= 500) complain(`${r.status()} of ${r.url()}`);
        });
        page.on('dialog', (d) => {
            complain(`a dialog: ${d.message()}`);
            d.dismiss();
        });
    }

    async go(url) {
        this.touched = Date.now();
        return this.page.goto(url);
    }

    get path() {
        return new URL(this.page.url()).pathname;
    }

    async text(selector = 'body') {
        return (await this.page.locator(selector).first().innerText()).replace(/\s+/g, ' ');
    }

    /* {name: value} into the controls of those names; true and false for check boxes, a file for a file. */
    async fill(values, form = this.page.locator('main')) {
        for (const [name, value] of Object.entries(values)) {
            const all = form.locator(`[name="${name}"]:not([type=hidden])`);
            const first = all.first();
            const { tag, type } = await first.evaluate((e) => ({ tag: e.tagName, type: e.type }));
            if (tag === 'SELECT') await first.selectOption(value);
            else if (type === 'radio') await form.locator(`[name="${name}"][value="${value}"]`).check();
            else if (type === 'checkbox' && typeof value === 'boolean') await first.setChecked(value);
            else if (type === 'checkbox') await form.locator(`[name="${name}"][value="${value}"]`).check();
            else if (type === 'file') await first.setInputFiles(value);
            else await first.fill(value);
        }
    }

    /* Press a button of <main>, say yes when it asks, and wait for the page that comes of it. */
    async press(selector) {
        this.touched = Date.now();
        const button = this.page.locator(`main ${selector}`).first();
        const asks = this.js && (await button.evaluate((b) => Boolean(b.dataset.confirm || b.form?.dataset.confirm)));
        const there = this.page.waitForNavigation({ waitUntil: 'load' });
        await Promise.all([there, button.click().then(() => asks && this.page.locator('dialog[open] button.btn-primary').click())]);
    }

    async log_in(account) {
        await this.go('/login');
        await this.fill({ email: account.email, password: account.password });
        await this.press('form[method=post] button[type=submit]');
        if (this.path === '/login/code') {
            await this.fill({ code: await this.bench.code(account.name) });
            await this.press('form[method=post] button[type=submit]');
        }
        if (this.path.startsWith('/login')) throw new Error(`${account.email} cannot log in: ${await this.text('main')}`);
    }

    async shot(name) {
        const file = path.join(SHOTS, `${name}.png`);
        mkdirSync(path.dirname(file), { recursive: true });
        await this.page.screenshot({ path: file, fullPage: true });
    }

    /* What axe finds, a line each. */
    async axe() {
        await this.page.evaluate(`${axe.source};0`);
        const result = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        return result.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`);
    }

    /* How far the page reaches beyond its window, and what does. */
    async overflow() {
        return this.page.evaluate(() => {
            const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
            if (wide <= 0) return '';
            const worst = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
            return `${wide} px: ${worst.slice(0, 3).map((e) => e.outerHTML.slice(0, 120)).join(' | ')}`;
        });
    }

    async leave() {
        await this.context.close();
    }
}

/* Everybody who works on this bench; who has logged in once is not asked again. */
class Office {
    constructor(browser, bench) {
        Object.assign(this, { browser, bench, states: {}, seated: [] });
    }

    async someone(options = {}) {
        const p = await Person.sit(this.browser, this.bench, options);
        this.seated.push(p);
        return p;
    }

    /* NAME of an account, logged in. {fresh: true}: in a session of its own. */
    async as(name, options = {}) {
        const account = typeof name === 'string' ? this.bench.accounts[name] : name;
        if (!account) throw new Error(`no account ${name}`);
        const { lang = 'zh', fresh = false } = options;
        const key = `${account.email} ${lang}`;
        const p = await this.someone({ ...options, state: fresh ? undefined : this.states[key] });
        p.account = account;
        if (fresh || !this.states[key]) {
            await p.log_in(account);
            await p.go(`/language/${lang}`);
            if (!fresh) this.states[key] = await p.context.storageState();
        }
        return p;
    }

    /* What the pages complained of, everywhere. */
    complaints() {
        return this.seated.flatMap((p) => p.complaints);
    }

    async close() {
        for (const p of this.seated) await p.leave().catch(() => {});
    }
}

module.exports = { launch, Person, Office, ROOT, SHOTS };
