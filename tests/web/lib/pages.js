/* src/web/page.def as a table: what the code goes by, read a second time. */
'use strict';
const { readFileSync } = require('node:fs');
const path = require('node:path');

const DEF = path.join(__dirname, '..', '..', '..', 'src', 'web', 'page.def');
const LETTERS = {
    A: 'applicant', F: 'first_reviewer', L: 'final_reviewer', O: 'operator', M: 'finance', U: 'auditor', S: 'administrator',
};
const STAFF = ['first_reviewer', 'final_reviewer', 'operator', 'finance', 'auditor', 'administrator'];
const ROLES = ['applicant', ...STAFF];

function people(text) {
    const set = new Set();
    for (const word of text.split('|').map((w) => w.trim())) {
        if (word === 'NOBODY') continue;
        if (word === 'PUBLIC') ['public', ...ROLES].forEach((r) => set.add(r));
        else if (word === 'USER') ROLES.forEach((r) => set.add(r));
        else if (word === 'STAFF') STAFF.forEach((r) => set.add(r));
        else if (LETTERS[word]) set.add(LETTERS[word]);
        else throw new Error(`page.def: who is ${word}?`);
    }
    return set;
}

/* [{name, path, readers: Set of roles and "public", writers}] */
const pages = [...readFileSync(DEF, 'utf8').matchAll(/^X\((\w+), "([^"]+)", ([^,]+), (\w+), ([^,]+), (\w+), ([^)]+)\)/gm)].map(
    ([, name, where, readers, , writers]) => ({ name, path: where, readers: people(readers), writers: people(writers) }));

module.exports = { pages, ROLES, STAFF };
