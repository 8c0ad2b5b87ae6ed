/* The bench behind the pages (tests/web/bench.sh), as an object: its address, accounts, mails and commands. */
'use strict';
const { spawn, execFile } = require('node:child_process');
const { readFileSync, readdirSync, existsSync } = require('node:fs');
const { promisify } = require('node:util');
const path = require('node:path');
const readline = require('node:readline');
const { totp } = require('./totp.js');

const run = promisify(execFile);
const sleep = (ms) => new Promise((yes) => setTimeout(yes, ms));

/* Ask until `what` gives something true; after `seconds` an error that names it. */
async function wait_for(name, seconds, what) {
    const end = Date.now() + seconds * 1000;
    let last;
    for (;;) {
        try {
            const got = await what();
            if (got) return got;
            last = undefined;
        } catch (e) {
            last = e;
        }
        if (Date.now() >= end) throw new Error(`${name}: not within ${seconds} s${last ? ` (${last.message})` : ''}`);
        await sleep(150);
    }
}

class Bench {
    /* NAME EMAIL PASSWORD a line */
    static #accounts(text) {
        const all = {};
        for (const line of text.split('\n')) {
            const [name, email, password] = line.trim().split(/\s+/);
            if (password && !line.startsWith('#')) all[name] = { name, email, password };
        }
        return all;
    }

    static async up(environment = {}) {
        const b = new Bench();
        b.child = spawn(path.join(__dirname, '..', 'bench.sh'), [], {
            stdio: ['pipe', 'pipe', 'inherit'],
            env: { ...process.env, ...environment },
        });
        b.waiting = [];
        const lines = readline.createInterface({ input: b.child.stdout });
        lines.on('line', (line) => b.waiting.shift()?.yes(JSON.parse(line)));
        b.child.on('exit', (code) => {
            for (const w of b.waiting.splice(0)) w.no(new Error(`bench.sh ended with ${code}`));
        });
        const said = await b.#answer();
        if (said.error) throw new Error(`${said.error}\n${said.log}\n${said.logs}`);
        Object.assign(b, said);
        b.accounts = Bench.#accounts(said.accounts);
        return b;
    }

    #answer() {
        return new Promise((yes, no) => this.waiting.push({ yes, no }));
    }

    /* start, stop, strike: portal, vault, station */
    async tell(verb, name) {
        const answer = this.#answer();
        this.child.stdin.write(`${verb} ${name}\n`);
        const said = await answer;
        if (said.error) throw new Error(`${verb} ${name}: ${said.error}`);
    }

    /* {killed, reports}: both empty when all is well. */
    async down() {
        const answer = this.#answer();
        this.child.stdin.end('end\n');
        return answer;
    }

    async caportal(...args) {
        const { stdout } = await run(`${this.bin}/caportal`, ['-c', `${this.bench}/etc/caportal.conf`, ...args], { timeout: 60000 });
        return stdout;
    }

    async castation(...args) {
        const { stdout } = await run(`${this.bin}/castation`, ['-c', `${this.bench}/etc/station.conf`, ...args], { timeout: 60000 });
        return stdout;
    }

    /* What the database says: rows as objects. */
    async sql(query) {
        const { stdout } = await run('sqlite3', ['-json', '-cmd', '.timeout 5000', `${this.bench}/portal/portal.db`, query]);
        return stdout.trim() ? JSON.parse(stdout) : [];
    }

    async state(application) {
        const rows = await this.sql(`SELECT state FROM application WHERE id = '${application}'`);
        return rows[0]?.state;
    }

    async until_state(application, state, seconds = 40) {
        await wait_for(`${application} becomes ${state} (it is ${await this.state(application)})`, seconds,
            async () => (await this.state(application)) === state);
    }

    /* The mails of an address, oldest first: [{subject, body, text}] */
    mails(to) {
        const folder = `${this.bench}/mail`;
        if (!existsSync(folder)) return [];
        return readdirSync(folder)
            .filter((f) => f.endsWith('.eml'))
            .sort()
            .map((f) => mail(readFileSync(`${folder}/${f}`, 'utf8')))
            .filter((m) => m.to.toLowerCase().includes(to.toLowerCase()));
    }

    async mail(to, matches, seconds = 20) {
        return wait_for(`a mail to ${to} with ${matches}`, seconds, () => this.mails(to).reverse().find((m) => matches.test(m.text)));
    }

    /* A code that was not used before: waits for the next when it was. */
    async code(name) {
        const secret = readFileSync(`${this.bench}/secrets/totp/${name}`, 'utf8').trim();
        this.used ??= {};
        await wait_for(`a fresh code of ${name}`, 35, () => this.used[name] !== totp(secret));
        this.used[name] = totp(secret);
        return this.used[name];
    }
}

/* RFC 2045–2047 as far as our own mails go. */
function mail(raw) {
    const text = raw.replace(/\r\n/g, '\n');
    const cut = text.indexOf('\n\n');
    const head = text.slice(0, cut).replace(/\n[ \t]+/g, ' ');
    const field = (name) => decode_words(new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1] ?? '');
    let body = text.slice(cut + 2);
    const encoding = field('Content-Transfer-Encoding').toLowerCase();
    if (encoding === 'base64') body = Buffer.from(body, 'base64').toString('utf8');
    if (encoding === 'quoted-printable') body = quoted(body.replace(/=\n/g, ''));
    return { to: field('To'), from: field('From'), subject: field('Subject'), body, text: `${field('Subject')}\n${body}` };
}
function quoted(s) {
    const bytes = [];
    for (let i = 0; i < s.length; i++) {
        if (s[i] === '=' && /^[0-9A-F]{2}$/i.test(s.slice(i + 1, i + 3))) {
            bytes.push(parseInt(s.slice(i + 1, i + 3), 16));
            i += 2;
        } else {
            bytes.push(...Buffer.from(s[i]));
        }
    }
    return Buffer.from(bytes).toString('utf8');
}
function decode_words(s) {
    return s.replace(/\?= +=\?/g, '?==?').replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind, word) =>
        kind.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString('utf8') : quoted(word.replace(/_/g, ' ')));
}

module.exports = { Bench, wait_for, sleep };
