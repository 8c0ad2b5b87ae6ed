/* Certificates of whatever bytes, in words: each that parses must come out, and never a control character. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "portal/certificate_words.h"

static void check(const json_t *value)
{
    const char *key;
    size_t i;
    json_t *inner;
    if (json_is_string(value))
        for (const char *c = json_string_value(value); *c != '\0'; c++)
            if ((unsigned char)*c < ' ' || *c == '\x7f')
                abort();
    json_array_foreach(value, i, inner) check(inner);
    if (json_is_object(value))
        json_object_foreach((json_t *)(uintptr_t)value, key, inner) check(inner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    X509 *x509 = d2i_X509(NULL, &at, (long)size);
    struct err err;
    ERR_clear_error();
    for (enum lang lang = LANG_ZH; x509 && lang < LANG_COUNT; lang++) {
        json_t *words = NULL;
        STACK_OF(X509) *chain = NULL;
        if (certificate_words_x509(x509, lang, &words, &err) != 0)
            abort();
        check(words);
        json_decref(words);
        if (certificate_chain(x509, (const char *)data, size, &chain, &err) != 0)
            abort();
        sk_X509_pop_free(chain, X509_free);
    }
    X509_free(x509);
    return 0;
}
