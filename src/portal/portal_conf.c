#include "portal/portal_conf.h"

#include <stdio.h>
#include <string.h>

#include "domain/plain_text.h"
#include "portal/mail_conf.h"

#define F(member) CONF_FIELD(struct portal_conf, member)
#define PATH(path, member, need)                                                                             \
    {                                                                                                        \
        path, CONF_PATH, F(member), need, 0, 0, NULL                                                         \
    }
#define TEXT(path, member, need, value)                                                                      \
    {                                                                                                        \
        path, CONF_STR, F(member), need, 0, 0, value                                                         \
    }
#define INT(path, member, min, max, value)                                                                   \
    {                                                                                                        \
        path, CONF_INT, F(member), false, min, max, value                                                    \
    }

static const struct conf_key KEYS[] = {
    PATH("database", database, true),
    TEXT("station_api.listen", station_api.listen, true, NULL),
    PATH("station_api.port_file", station_api.port_file, false),
    PATH("station_api.certificate", station_api.certificate, true),
    PATH("station_api.key", station_api.key, true),
    PATH("station_api.client_ca", station_api.client_ca, true),
    PATH("station_api.client_ca_key", station_api.client_ca_key, false),
    INT("station_api.threads", station_api.threads, 1, 64, "4"),
    INT("station_api.connections", station_api.connections, 4, 100000, "512"),
    INT("station_api.connections_per_address", station_api.connections_per_address, 1, 100000, "64"),
    TEXT("pages.listen", pages.listen, true, NULL),
    PATH("pages.port_file", pages.port_file, false),
    INT("pages.threads", pages.threads, 1, 64, "2"),
    INT("pages.connections", pages.connections, 4, 100000, "512"),
    INT("pages.workers", pages.workers, 1, 64, "8"),
    INT("pages.uploads", pages.uploads, 1, 256, "16"),
    INT("pages.upload_max", pages.upload_max, 262144, 15728640, "11534336"),
    INT("pages.hash_slots", pages.hash_slots, 1, 16, "2"),
    TEXT("pages.client_address_header", pages.client_address_header, false, NULL),
    TEXT("pages.public_url", pages.public_url, false, "http://localhost:7080"),
    TEXT("mail.url", mail.url, false, NULL),
    PATH("mail.folder", mail.folder, false),
    TEXT("mail.from", mail.from, false, "castation@localhost"),
    TEXT("mail.from_name", mail.from_name, false, NULL),
    TEXT("mail.user", mail.user, false, NULL),
    PATH("mail.password_file", mail.password_file, false),
    PATH("mail.ca", mail.ca, false),
    INT("mail.retry_seconds", mail.retry_seconds, 1, 3600, "60"),
    INT("mail.timeout_seconds", mail.timeout_seconds, 1, 600, "30"),
    {"data", CONF_PATH, F(data), false, 0, 0, "/usr/local/share/castation"},
    PATH("approval_key", approval_key, true),
    PATH("approval_public_key", approval_public_key, true),
    PATH("ca_chain", ca_chain, false),
    {"profiles", CONF_STRS, F(profiles), true, 0, 0, NULL},
    INT("lease_seconds", lease_seconds, 1, 86400, "600"),
    INT("max_body", max_body, 32768, 1 << 24, "65536"),
    INT("request_seconds", request_seconds, 1, 600, "20"),
    INT("idle_seconds", idle_seconds, 1, 3600, "60"),
    INT("keep_answers_days", keep_answers_days, 1, 3650, "90"),
};
#define N_KEYS (sizeof(KEYS) / sizeof(KEYS[0]))

static int check_profiles(const struct portal_conf *c, const char *path, struct err *err)
{
    if (c->profiles.n == 0)
        return err_set(err, ERR_CONFIG, "%s: profiles: name at least one", path);
    for (size_t i = 0; i < c->profiles.n; i++)
        if (!plain_id_ok(c->profiles.items[i], 32))
            return err_set(err, ERR_CONFIG, "%s: profiles: '%s': 1 to 32 letters, digits and hyphens", path,
                           c->profiles.items[i]);
    return 0;
}

/* The pages trust the proxy before them; nobody else may reach them. */
static int check_listen(const struct portal_conf *c, const char *path, struct err *err)
{
    char host[64], port[8];
    if (portal_conf_address(c->station_api.listen, host, sizeof(host), port, err) != 0)
        return err_prepend(err, "%s: station_api.listen", path);
    if (portal_conf_address(c->pages.listen, host, sizeof(host), port, err) != 0)
        return err_prepend(err, "%s: pages.listen", path);
    if (strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0)
        return err_set(err, ERR_CONFIG,
                       "%s: pages.listen: %s is not a loopback address; pages are plain HTTP: put a TLS "
                       "proxy before them",
                       path, host);
    return 0;
}

int portal_conf_load(const char *path, struct portal_conf *ret, struct err *err)
{
    struct portal_conf c = {0};
    if (conf_load(path, KEYS, N_KEYS, &c, err) != 0)
        return -1;
    if (check_profiles(&c, path, err) != 0 || check_listen(&c, path, err) != 0 ||
        mail_conf_check(&c, path, err) != 0) {
        conf_free(KEYS, N_KEYS, &c);
        return -1;
    }
    *ret = c;
    return 0;
}

void portal_conf_free(struct portal_conf *conf)
{
    conf_free(KEYS, N_KEYS, conf);
}

int portal_conf_address(const char *listen, char *ret_host, size_t cap, char ret_port[8], struct err *err)
{
    const char *colon = strrchr(listen, ':');
    const char *host = listen, *end = colon;
    if (colon && *listen == '[' && colon > listen && colon[-1] == ']') {
        host = listen + 1;
        end = colon - 1;
    }
    size_t port_len = colon ? strlen(colon + 1) : 0;
    if (!colon || end <= host || (size_t)(end - host) >= cap || port_len < 1 || port_len > 5 ||
        strspn(colon + 1, "0123456789") != port_len)
        return err_set(err, ERR_CONFIG, "'%s': must be ADDRESS:PORT, such as 127.0.0.1:7443 or [::1]:7443",
                       listen);
    memcpy(ret_host, host, (size_t)(end - host));
    ret_host[end - host] = '\0';
    memcpy(ret_port, colon + 1, port_len + 1);
    return 0;
}
