#include "vault/so_pin.h"

#include <string.h>

#include "wire/vault_wire.h"

#define PURPOSE    "castation so-pin"
#define BLOCKS_MAX 64 /* 2048 octets: more than any PIN takes, so that a lying HSM cannot hold us up */

const char *so_pin_alphabet(enum product_so_format format)
{
    static const char *const alphabets[] = {
        [SO_FORMAT_ALNUM] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        [SO_FORMAT_HEX] = "0123456789ABCDEF",
        [SO_FORMAT_DIGITS] = "0123456789",
    };
    return (unsigned)format < sizeof(alphabets) / sizeof(alphabets[0]) ? alphabets[format] : NULL;
}

static int put_u32(struct buf *b, uint32_t v, struct err *err)
{
    const uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    return buf_put(b, bytes, sizeof(bytes), err);
}

static int put_text(struct buf *b, const char *s, struct err *err)
{
    return put_u32(b, (uint32_t)strlen(s), err) == 0 ? buf_put_str(b, s, err) : -1;
}

/* Take as many characters as are still wanted out of one block. */
static int take_block(const uint8_t block[32], const char *alphabet, size_t wanted, struct buf *pin,
                      struct err *err)
{
    size_t n = strlen(alphabet), fair = 256 / n * n;
    for (size_t i = 0; i < 32 && pin->len < wanted; i++)
        if (block[i] < fair && buf_put(pin, &alphabet[block[i] % n], 1, err) != 0)
            return -1;
    return 0;
}

int so_pin_derive(const struct product *product, const char *serial, uint32_t version,
                  int (*hmac)(void *arg, uint32_t version, const void *data, size_t len, uint8_t ret[32],
                              struct err *err),
                  void *arg, struct buf *ret, struct err *err)
{
    const char *alphabet = so_pin_alphabet(product->so_format);
    uint8_t block[32];
    struct buf text;
    int rc = -1;
    if (!alphabet || product->so_length == 0 || product->so_length > SO_PIN_MAX)
        return err_set(err, ERR_FIELD, "product %s: no SO PIN of %zu characters can be made", product->name,
                       product->so_length);
    buf_init(&text);
    buf_reset(ret);
    if (put_text(&text, PURPOSE, err) != 0 || put_u32(&text, 4, err) != 0 ||
        put_u32(&text, version, err) != 0 || put_text(&text, product->name, err) != 0 ||
        put_text(&text, serial, err) != 0)
        goto out;
    size_t fixed = text.len;
    for (uint32_t i = 0; i < BLOCKS_MAX && ret->len < product->so_length; i++) {
        text.len = fixed;
        if (put_u32(&text, i, err) != 0 || hmac(arg, version, text.data, text.len, block, err) != 0 ||
            take_block(block, alphabet, product->so_length, ret, err) != 0)
            goto out;
    }
    rc = ret->len == product->so_length ? 0 : err_set(err, ERR_HSM, "HSM: its HMAC gives no SO PIN");
out:
    if (rc != 0)
        buf_reset(ret);
    explicit_bzero(block, sizeof(block));
    buf_done(&text);
    return rc;
}
