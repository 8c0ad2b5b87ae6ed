#include "portal/mail_conf.h"

#include <string.h>

#include "portal/mail.h"

static const char *after_scheme(const char *url)
{
    static const char *const SCHEMES[] = {"smtp://", "smtps://"};
    for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++)
        if (strncmp(url, SCHEMES[i], strlen(SCHEMES[i])) == 0)
            return url + strlen(SCHEMES[i]);
    return NULL;
}

bool mail_conf_sends(const struct portal_conf *conf)
{
    return conf->mail.url[0] || conf->mail.folder[0];
}

/* The host is the whole of what is compared: "localhost.example.org" is another machine. */
bool mail_conf_needs_tls(const struct portal_conf *conf)
{
    static const char *const HERE[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = after_scheme(conf->mail.url);
    if (!host || conf->mail.ca[0])
        return true;
    for (size_t i = 0; i < sizeof(HERE) / sizeof(HERE[0]); i++) {
        size_t len = strlen(HERE[i]);
        if (strncmp(host, HERE[i], len) == 0 && strchr(":/", host[len])) /* or its end */
            return false;
    }
    return true;
}

int mail_conf_check(const struct portal_conf *conf, const char *path, struct err *err)
{
    const char *host = after_scheme(conf->mail.url);
    if (conf->mail.url[0] && conf->mail.folder[0])
        return err_set(err, ERR_CONFIG, "%s: mail: url or folder, not both", path);
    if (conf->mail.url[0] && (!host || !*host || strpbrk(host, "@?# ")))
        return err_set(err, ERR_CONFIG,
                       "%s: mail.url: must be smtp://HOST:PORT or smtps://HOST:PORT; user and password have "
                       "keys of their own",
                       path);
    if (!conf->mail.user[0] != !conf->mail.password_file[0])
        return err_set(err, ERR_CONFIG, "%s: mail: user and password_file belong together", path);
    if (mail_address_check(conf->mail.from, err) != 0) {
        err->code = ERR_CONFIG;
        return err_prepend(err, "%s: mail.from", path);
    }
    return 0;
}
