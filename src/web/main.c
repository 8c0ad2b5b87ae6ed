/* caportald: the portal's service. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/spawn.h"
#include "portal/account.h"
#include "portal/mailer.h"
#include "portal/portal.h"
#include "web/page_json.h"
#include "web/web_site.h"

#define PEM_MAX  65536
#define DRAIN_MS 10000

struct listeners {
    struct server_site api_site, pages_site;
    struct server *api, *pages;
    struct web *web;
    struct mailer *mailer;
};

static int read_pem(const char *path, bool secret, struct buf *b, const char **ret, struct err *err)
{
    if (file_check_owner(path, secret, err) != 0 || file_read(path, PEM_MAX, b, err) != 0)
        return -1;
    *ret = buf_cstr(b);
    return *ret ? 0 : err_set(err, ERR_MEMORY, "%s", path);
}

static int start_api(struct listeners *l, struct portal *p, struct err *err)
{
    const struct portal_conf *c = &p->conf;
    struct buf certificate, key, ca;
    struct server_conf conf = {.listen = c->station_api.listen,
                               .port_file = c->station_api.port_file,
                               .threads = c->station_api.threads,
                               .connections = c->station_api.connections,
                               .connections_per_address = c->station_api.connections_per_address,
                               .request_seconds = c->request_seconds,
                               .idle_seconds = c->idle_seconds,
                               .max_body = c->max_body};
    int rc = -1;
    buf_init(&certificate);
    buf_init_secret(&key);
    buf_init(&ca);
    api_site(p, &l->api_site);
    if (read_pem(c->station_api.certificate, false, &certificate, &conf.tls_certificate, err) == 0 &&
        read_pem(c->station_api.key, true, &key, &conf.tls_key, err) == 0 &&
        read_pem(c->station_api.client_ca, false, &ca, &conf.tls_client_ca, err) == 0)
        rc = server_start(&l->api, &l->api_site, &conf, err);
    buf_done(&certificate);
    buf_done(&key);
    buf_done(&ca);
    return rc;
}

static int start_pages(struct listeners *l, struct portal *p, struct err *err)
{
    const struct portal_conf *c = &p->conf;
    const struct server_conf conf = {.listen = c->pages.listen,
                                     .port_file = c->pages.port_file,
                                     .threads = c->pages.threads,
                                     .connections = c->pages.connections,
                                     .workers = c->pages.workers,
                                     .uploads = c->pages.uploads,
                                     .address_header = c->pages.client_address_header,
                                     .request_seconds = c->request_seconds,
                                     .idle_seconds = c->idle_seconds,
                                     .max_body = c->max_body};
    if (account_hashing_init((unsigned int)c->pages.hash_slots, err) != 0 || web_new(&l->web, p, err) != 0)
        return -1;
    web_site(l->web, &l->pages_site);
    return server_start(&l->pages, &l->pages_site, &conf, err);
}

static void stop_all(struct listeners *l)
{
    server_stop(&l->api);
    server_stop(&l->pages);
    mailer_stop(&l->mailer);
    web_free(&l->web);
}

/* Signals are taken here, one by one; every other thread has them blocked. Returns the signal that ends the
 * service. */
static int wait_for_end(const sigset_t *signals)
{
    int got;
    while ((got = sigwaitinfo(signals, NULL)) != SIGTERM && got != SIGINT)
        continue;
    return got;
}

static int serve(const char *conf_path, const sigset_t *signals, struct err *err)
{
    struct portal portal;
    struct listeners l = {0};
    if (spawn_harden(err) != 0 || portal_open(&portal, conf_path, err) != 0)
        return -1;
    int rc = start_api(&l, &portal, err) == 0 && start_pages(&l, &portal, err) == 0 &&
                     mailer_start(&l.mailer, &portal, err) == 0
                 ? 0
                 : -1;
    if (rc == 0) {
        log_info("version %s: station API on port %u (%s), pages on port %u (%s)", CASTATION_VERSION,
                 server_port(l.api), portal.conf.station_api.listen, server_port(l.pages),
                 portal.conf.pages.listen);
        int signal_number = wait_for_end(signals);
        log_info("%s: finishing what is under way", strsignal(signal_number));
        server_drain(l.api, DRAIN_MS);
        server_drain(l.pages, DRAIN_MS);
    }
    stop_all(&l);
    portal_close(&portal);
    return rc;
}

static int usage(FILE *to, int code)
{
    fprintf(to,
            "Usage: caportald [-c FILE]\n\n  -c FILE    configuration (%s)\n  --version  say the version\n",
            PORTAL_CONF_DEFAULT);
    return code;
}

static int print_pages(void)
{
    json_t *list = pages_json();
    int rc = list && json_dumpf(list, stdout, JSON_INDENT(1)) == 0 && puts("") >= 0 ? 0 : 1;
    json_decref(list);
    return rc;
}

/* Uploads, argon2 and fonts come in large pieces for moments: they are given back to the system at once.
 * glibc would raise its threshold by itself, and each thread's arena keep some 60 MB. */
static void keep_small(void)
{
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

int main(int argc, char **argv)
{
    static const struct option LONG[] = {{"version", no_argument, NULL, 'V'},
                                         {"help", no_argument, NULL, 'h'},
                                         {"pages", no_argument, NULL, 'p'},
                                         {0}};
    const char *conf_path = PORTAL_CONF_DEFAULT;
    struct err err = {0};
    sigset_t signals;
    int option;
    while ((option = getopt_long(argc, argv, "c:hV", LONG, NULL)) != -1) {
        if (option == 'V')
            return printf("caportald %s\n", CASTATION_VERSION) < 0;
        if (option == 'p')
            return print_pages();
        if (option == 'h')
            return usage(stdout, 0);
        if (option != 'c')
            return usage(stderr, 2);
        conf_path = optarg;
    }
    if (optind < argc)
        return usage(stderr, 2);
    log_init("caportald");
    keep_small();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP); /* ignored: a log is the journal's business */
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (serve(conf_path, &signals, &err) != 0) {
        log_err(&err, "cannot start");
        return err_exit_code(err.code);
    }
    log_info("stopped");
    return 0;
}
