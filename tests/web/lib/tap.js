/* Tests in order, one line of TAP each. A test is a sentence and a function that throws when it is not so. */
'use strict';
const assert = require('node:assert/strict');

let n = 0, failed = 0, when_failed = async () => {};
const skipped = process.env.ONLY ? new RegExp(process.env.ONLY) : null;

function diag(text) {
    for (const line of String(text).split('\n')) console.log(`# ${line}`);
}

/* The test; false when it failed. ONLY=REGEX runs only those whose name matches (their forerunners may be missed). */
async function test(name, run, seconds = 60) {
    if (skipped && !skipped.test(name)) return true;
    n++;
    let timer;
    const late = new Promise((_, no) => {
        timer = setTimeout(() => no(new Error(`took longer than ${seconds} s`)), seconds * 1000);
    });
    try {
        await Promise.race([run(), late]);
        console.log(`ok ${n} - ${name}`);
        return true;
    } catch (e) {
        failed++;
        console.log(`not ok ${n} - ${name}`);
        diag(e && e.stack ? e.stack : e);
        await when_failed(n, name).catch((x) => diag(`no picture: ${x.message}`));
        return false;
    } finally {
        clearTimeout(timer);
    }
}

/* What the rest stands on: ends the file when it fails. */
class Bail extends Error {}
async function need(name, run, seconds) {
    if (!(await test(name, run, seconds))) throw new Bail(name);
}

/* The whole file: `body`, then `end`, whatever happened; then the plan. */
async function file(body, end) {
    try {
        await body();
    } catch (e) {
        if (!(e instanceof Bail)) {
            n++;
            failed++;
            console.log(`not ok ${n} - the test comes to its end`);
            diag(e && e.stack ? e.stack : e);
        }
    }
    try {
        await end();
    } catch (e) {
        n++;
        failed++;
        console.log(`not ok ${n} - everything is put away`);
        diag(e.stack);
    }
    console.log(`1..${n}`);
    process.exit(failed ? 1 : 0);
}

module.exports = { assert, diag, test, need, file, on_failure: (f) => { when_failed = f; } };
