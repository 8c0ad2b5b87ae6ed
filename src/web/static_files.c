#include "web/static_files.h"

#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"

#define FILES_MAX 32
#define DIGITS    16

static char build[DIGITS + 1], etags[FILES_MAX][DIGITS + 3];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void hash_files(void)
{
    char all[FILES_MAX * DIGITS], hex[SHA256_HEX_SIZE];
    size_t n = 0;
    for (size_t i = 0; assets_static(i) && i < FILES_MAX; i++, n++) {
        const struct asset *a = assets_static(i);
        sha256_hex(a->data, a->len, hex);
        memcpy(all + i * DIGITS, hex, DIGITS);
        etags[i][0] = '"';
        memcpy(etags[i] + 1, hex, DIGITS);
        etags[i][DIGITS + 1] = '"';
    }
    sha256_hex(all, n * DIGITS, hex);
    memcpy(build, hex, DIGITS);
}

const char *static_build(void)
{
    pthread_once(&once, hash_files);
    return build;
}

const struct asset *static_find(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        const struct asset *a = assets_static(i);
        if (!a || strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

const char *static_etag(const struct asset *file)
{
    pthread_once(&once, hash_files);
    return etags[file - assets_static(0)];
}
