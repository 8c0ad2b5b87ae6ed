/* Files to upload: scans with a seal, drawn by the browser itself, and such as must be refused. */
'use strict';

function sheet(title, lines) {
    const rows = lines.map((l) => `<p>${l.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</p>`).join('');
    return `<!doctype html><meta charset="utf-8"><title>scan</title><style>
        body { margin: 0; padding: 60px; width: 680px; height: 960px; font: 20px "Noto Sans CJK SC", sans-serif;
               background: #fbf7ec; box-sizing: border-box; border: 12px double #b9975b; position: relative }
        h1 { text-align: center; font-size: 40px; letter-spacing: .3em }
        .seal { position: absolute; right: 90px; bottom: 90px; width: 210px; height: 210px; border: 8px solid #c8161d;
                border-radius: 50%; color: #c8161d; display: grid; place-items: center; font-size: 30px; opacity: .8;
                transform: rotate(-12deg); text-align: center }
        </style><h1>${title}</h1>${rows}<div class="seal">★<br>公章</div>`;
}

/* One scan of each kind a form asks for: {kind: {name, mimeType, buffer}}. */
async function scans(browser, organisation) {
    const page = await browser.newPage({ viewport: { width: 680, height: 960 } });
    const draw = async (title) => page.setContent(sheet(title, [`名称　${organisation}`, '类型　有限责任公司', '登记机关　市场监督管理局']));
    await draw('营业执照');
    const png = await page.screenshot({ type: 'png' });
    await draw('居民身份证');
    const jpeg = await page.screenshot({ type: 'jpeg', quality: 70 });
    await draw('申领信息表');
    const pdf = await page.pdf({ width: '680px', height: '960px', printBackground: true });
    await page.close();
    return {
        licence: { name: '营业执照.png', mimeType: 'image/png', buffer: png },
        representative_id: { name: '身份证.jpg', mimeType: 'image/jpeg', buffer: jpeg },
        application_form: { name: '申领信息表.pdf', mimeType: 'application/pdf', buffer: pdf },
        authorisation: { name: '授权委托书.pdf', mimeType: 'application/pdf', buffer: pdf },
        agent_id: { name: '经办人.png', mimeType: 'image/png', buffer: png },
    };
}

/* Files that no form may take: {what: file}. */
function refused(good) {
    const { licence: png, representative_id: jpeg, application_form: pdf } = good;
    const html = Buffer.from('<html><script>alert(1)</script></html>');
    const file = (name, mimeType, buffer) => ({ name, mimeType, buffer });
    return {
        'a program that calls itself a PNG': file('licence.png', 'image/png', Buffer.from('MZ\x90\0 this is no picture')),
        'a page that calls itself a PDF': file('licence.pdf', 'application/pdf', html),
        'an SVG': file('licence.svg', 'image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')),
        'a text': file('licence.txt', 'text/plain', Buffer.from('hello')),
        'an empty file': file('licence.png', 'image/png', Buffer.alloc(0)),
        'half a PNG': file('half.png', 'image/png', png.buffer.subarray(0, png.buffer.length >> 1)),
        'a PNG with a page behind it': file('both.png', 'image/png', Buffer.concat([png.buffer, html])),
        'a JPEG with a ZIP behind it': file('both.jpg', 'image/jpeg', Buffer.concat([jpeg.buffer, Buffer.from('PK\x03\x04 and so on')])),
        'a page with a PDF behind it': file('both.pdf', 'application/pdf', Buffer.concat([html, pdf.buffer])),
        'a PDF with JavaScript': file('script.pdf', 'application/pdf', Buffer.from(script_pdf())),
    };
}

function script_pdf() {
    const objects = [
        '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>',
    ];
    let out = '%PDF-1.4\n';
    const at = objects.map((o, i) => {
        const here = out.length;
        out += `${i + 1} 0 obj\n${o}\nendobj\n`;
        return here;
    });
    const xref = out.length;
    out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
    for (const a of at) out += `${String(a).padStart(10, '0')} 00000 n \n`;
    return out + `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`;
}

/* One byte more than a form takes. */
const too_large = (good) => ({
    name: 'large.pdf',
    mimeType: 'application/pdf',
    buffer: Buffer.concat([good.application_form.buffer, Buffer.alloc((10 << 20) + 1 - good.application_form.buffer.length, 0x20)]),
});

module.exports = { scans, refused, too_large };
