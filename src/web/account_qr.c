#include <errno.h>
#include <qrencode.h>

#include "web/account_web.h"

#define QUIET 4 /* light modules around it: ISO/IEC 18004, 9.1 */

/* A dark run of a row is one rectangle. */
static int put_row(struct buf *path, const unsigned char *row, int width, int y, struct err *err)
{
    for (int x = 0; x < width; x++) {
        int from = x;
        while (x < width && (row[x] & 1))
            x++;
        if (x > from &&
            buf_printf(path, err, "M%d %dh%dv1h-%dz", from + QUIET, y + QUIET, x - from, x - from) != 0)
            return -1;
    }
    return 0;
}

int web_put_qr(struct web_call *c, const char *content, struct err *err)
{
    struct buf path;
    int rc = 0;
    QRcode *code = QRcode_encodeString8bit(content, 0, QR_ECLEVEL_L);
    if (!code)
        return errno == ENOMEM ? err_set(err, ERR_MEMORY, "QR code") : err_set(err, ERR_TOO_LARGE, "QR code");
    buf_init_secret(&path);
    for (int y = 0; rc == 0 && y < code->width; y++)
        rc = put_row(&path, code->data + (size_t)y * (size_t)code->width, code->width, y, err);
    if (rc == 0 && buf_cstr(&path))
        rc = web_set(c, "qr",
                     json_pack("{s:i, s:s}", "size", code->width + 2 * QUIET, "path", buf_cstr(&path)), err);
    buf_done(&path);
    QRcode_free(code);
    return rc;
}
