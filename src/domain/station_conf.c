#include "domain/station_conf.h"

#include <string.h>

#define STR(path, member, need, fall)                                                                        \
    {                                                                                                        \
        path, CONF_STR, CONF_FIELD(struct station_conf, member), need, 0, 0, fall                            \
    }
#define PATH(path, member, need)                                                                             \
    {                                                                                                        \
        path, CONF_PATH, CONF_FIELD(struct station_conf, member), need, 0, 0, NULL                           \
    }
#define INT(path, member, min, max, fall)                                                                    \
    {                                                                                                        \
        path, CONF_INT, CONF_FIELD(struct station_conf, member), false, min, max, fall                       \
    }

static const struct conf_key keys[] = {
    STR("name", name, true, NULL),
    PATH("database", database, true),
    PATH("control_socket", control_socket, true),
    PATH("vault_socket", vault_socket, true),
    PATH("bay_program", bay_program, true),
    PATH("bay_config", bay_config, true),
    PATH("profiles", profiles, true),
    PATH("ca_certificate", ca_certificate, true),
    PATH("portal_key", portal_key, true),
    STR("portal.url", portal.url, true, NULL),
    PATH("portal.ca", portal.ca, true),
    PATH("portal.certificate", portal.certificate, true),
    PATH("portal.key", portal.key, true),
    INT("portal.poll_seconds", portal.poll_seconds, 1, 3600, "10"),
    INT("portal.timeout_seconds", portal.timeout_seconds, 1, 300, "30"),
    INT("claims_ahead", claims_ahead, 1, 16, "2"),
    INT("tokens_per_job", tokens_per_job, 1, 10, "3"),
    INT("tries_per_token", tries_per_token, 1, 10, "3"),
    INT("absent_seconds", absent_seconds, 1, 86400, "60"),
    INT("stop_seconds", stop_seconds, 0, 600, "30"),
    STR("stock.policy", stock_policy, false, "known_only"),
    PATH("rack.folder", rack.folder, false),
    PATH("rack.drawer", rack.drawer, false),
    STR("rack.product", rack.product, false, "softhsm"),
    PATH("rack.module", rack.module, false),
    INT("rack.bays", rack.bays, 1, STATION_BAYS_MAX, "4"),
};

int station_conf_load(const char *path, struct station_conf *ret, struct err *err)
{
    struct station_conf conf = {0};
    if (conf_load(path, keys, sizeof keys / sizeof keys[0], &conf, err) < 0)
        return -1;
    if (strcmp(conf.stock_policy, "known_only") != 0 && strcmp(conf.stock_policy, "any") != 0)
        return err_set(err, ERR_CONFIG, "%s: stock.policy: \"%s\" is neither known_only nor any", path,
                       conf.stock_policy);
    *ret = conf;
    return 0;
}
