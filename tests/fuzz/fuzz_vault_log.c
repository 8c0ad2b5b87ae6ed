/* Foreign bytes as vault.log: replayed or refused, a torn end cut, and what was taken is taken again in the
 * same way. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vault/index.h"
#include "base/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/castation-fuzz-XXXXXX", path[64];

/* Hashes are put right, or nothing behind the first would ever be looked at: each line is taken for JSON
 * alone. */
static void write_log(const uint8_t *data, size_t size)
{
    uint8_t hash[SHA256_SIZE] = {0};
    char hex[2 * SHA256_SIZE + 1];
    FILE *f = fopen(path, "we");
    if (!f)
        abort();
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;
        chain_next(hash, data + at, len, hash);
        hex_encode(hash, sizeof(hash), hex);
        fprintf(f, "%s %.*s%s", hex, (int)len, (const char *)data + at, end ? "\n" : "");
        at += len + 1;
    }
    fclose(f);
}

static int replay(uint64_t *ret_records, struct index_counts *ret_counts)
{
    struct err err = {0};
    struct vault_log *l = NULL;
    uint64_t cut = 0;
    struct index *ix = index_new();
    int rc = vault_log_open(folder, index_apply, ix, &l, &cut, &err);
    if (rc != 0 && (err.code == ERR_NONE || !err.text[0]))
        abort();
    if (rc == 0) {
        *ret_records = vault_log_records(l);
        *ret_counts = index_counts(ix);
    }
    vault_log_close(&l);
    index_free(&ix);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t one = 0, two = 0;
    struct index_counts a = {0}, b = {0};
    if (path[0] == '\0') {
        if (!mkdtemp(folder))
            abort();
        snprintf(path, sizeof(path), "%s/vault.log", folder);
    }
    write_log(data, size);
    if (replay(&one, &a) == 0 && (replay(&two, &b) != 0 || one != two || memcmp(&a, &b, sizeof(a)) != 0))
        abort();
    return 0;
}
