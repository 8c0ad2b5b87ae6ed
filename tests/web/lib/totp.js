/* RFC 6238 with SHA-1, six digits, thirty seconds: what the telephone of somebody who works here shows. */
'use strict';
const { createHmac } = require('node:crypto');

function base32(text) {
    let bits = 0, value = 0;
    const out = [];
    for (const c of text.replace(/=+$/, '').toUpperCase()) {
        value = (value << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out.push((value >>> bits) & 255);
            value &= (1 << bits) - 1;
        }
    }
    return Buffer.from(out);
}

function totp(secret, at = Date.now()) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
    const mac = createHmac('sha1', base32(secret)).update(counter).digest();
    const code = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
    return String(code % 1000000).padStart(6, '0');
}

module.exports = { totp };
