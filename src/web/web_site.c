#include "web/web_site.h"

#include <stdlib.h>
#include <string.h>

#include "portal/promise.h"
#include "web/web_request.h"

/* One for ever, whoever comes first: two that start at once agree on it. */
static int load_key(struct web *web, struct db *db, struct err *err)
{
    uint8_t fresh[WEB_KEY_SIZE];
    char hex[2 * WEB_KEY_SIZE + 1];
    size_t len = 0;
    random_bytes(fresh, sizeof(fresh));
    hex_encode(fresh, sizeof(fresh), hex);
    int rc = db_exec(db, PSQL_SETTING_SEED, DB_ARGS(DB_TEXT("site_key"), DB_TEXT(hex)), NULL, err);
    if (rc == 0)
        rc = setting_get(db, "site_key", "", hex, sizeof(hex), err);
    if (rc == 0)
        rc = hex_decode(hex, web->key, sizeof(web->key), &len, err);
    if (rc == 0 && len != sizeof(web->key))
        rc = err_set(err, ERR_CONFIG, "setting site_key: it is not %d bytes in hexadecimal", WEB_KEY_SIZE);
    explicit_bzero(fresh, sizeof(fresh));
    explicit_bzero(hex, sizeof(hex));
    return rc;
}

/* Scheme, host and port of pages.public_url. */
static void read_url(struct web *web, const char *url)
{
    const char *slashes = strstr(url, "://");
    web->https = strncmp(url, "https://", 8) == 0;
    size_t len = slashes ? (size_t)(slashes + 3 - url) + strcspn(slashes + 3, "/") : 0;
    if (len < sizeof(web->origin)) {
        memcpy(web->origin, url, len);
        web->origin[len] = '\0';
    }
}

int web_new(struct web **ret, struct portal *portal, struct err *err)
{
    struct db *db;
    struct web *web = calloc(1, sizeof(*web));
    if (!web)
        return err_set(err, ERR_MEMORY, "pages");
    web->portal = portal;
    read_url(web, portal->conf.pages.public_url);
    if (templates_load(&web->templates, err) == 0 && kept_new(&web->kept, err) == 0 &&
        portal_db(portal, &db, err) == 0 && load_key(web, db, err) == 0) {
        *ret = web;
        return 0;
    }
    web_free(&web);
    return -1;
}

void web_free(struct web **web)
{
    if (!web || !*web)
        return;
    templates_free(&(*web)->templates);
    kept_free(&(*web)->kept);
    explicit_bzero((*web)->key, sizeof((*web)->key));
    free(*web);
    *web = NULL;
}
