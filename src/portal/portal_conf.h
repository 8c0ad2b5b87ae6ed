/* The portal's configuration file, read by caportald and by caportal. */
#ifndef CASTATION_PORTAL_PORTAL_CONF_H
#define CASTATION_PORTAL_PORTAL_CONF_H

#include "base/conf.h"

#define PORTAL_CONF_DEFAULT "/etc/castation/caportal.conf"

struct portal_conf {
    char database[256];
    struct {
        char listen[128];    /* "127.0.0.1:7443", "[::]:7443"; port 0: any free one */
        char port_file[256]; /* "" = none; the port that was taken, a line */
        char certificate[256], key[256];
        char client_ca[256];     /* TLS-only CA: signs stations' certificates and the server's own */
        char client_ca_key[256]; /* used by caportal only; may be kept elsewhere */
        int64_t threads, connections, connections_per_address;
    } station_api;
    struct {
        char listen[128];
        char port_file[256];
        int64_t threads, connections;
        int64_t workers;                /* requests handled at once */
        int64_t uploads;                /* files received at once */
        int64_t upload_max;             /* bytes of a request with a file */
        int64_t hash_slots;             /* passwords hashed at once: 64 MiB each */
        char client_address_header[64]; /* of the proxy: "X-Real-IP"; "" = the peer is the client */
        char public_url[256]; /* what browsers and mails call the pages: "https://ca.example.org" */
    } pages;
    struct {
        char url[256];    /* "smtp://mail.example.org:587", "smtps://…"; "" = none */
        char folder[256]; /* instead: one .eml a mail; "" = none */
        char from[65], from_name[129];
        char user[129], password_file[256]; /* "" = without logging in */
        char ca[256];                       /* PEM; "" = the system's */
        int64_t retry_seconds;              /* before the second try; later ones are multiples of it */
        int64_t timeout_seconds;            /* of one mail */
    } mail;
    char data[256];                /* folder of what is shipped: calendar/YYYY.csv */
    char approval_key[256];        /* PEM, private, P-256 */
    char approval_public_key[256]; /* PEM, for stations and vaults */
    char ca_chain[256];            /* PEM: the CA that signs what tokens hold, up to its root; "" = not offered */
    struct conf_strs profiles;     /* names that an application may ask for */
    int64_t lease_seconds;
    int64_t max_body;          /* bytes of a request */
    int64_t request_seconds;   /* for headers, for the body, for the answer: each */
    int64_t idle_seconds;      /* a connection without a request */
    int64_t keep_answers_days; /* how long a repeated Idempotency-Key gets its first answer */
};

int portal_conf_load(const char *path, struct portal_conf *ret, struct err *err);
void portal_conf_free(struct portal_conf *conf);

/* "host:port" or "[v6]:port" into its parts; the host is a numeric address. ERR_CONFIG. */
int portal_conf_address(const char *listen, char *ret_host, size_t cap, char ret_port[8], struct err *err);

#endif
