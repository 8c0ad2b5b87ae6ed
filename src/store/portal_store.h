/* The portal's records: schema, the list of statements, and the rows that more than one place reads.
 * All times are Unix milliseconds, UTC. Reads and writes happen within the caller's transaction. */
#ifndef CASTATION_STORE_PORTAL_STORE_H
#define CASTATION_STORE_PORTAL_STORE_H

#include <jansson.h>

#include "base/hex.h"
#include "store/db.h"

#define CLAIM_PROFILES_MAX 16

enum portal_sql {
#define X(id, name, sql) id,
#include "store/portal_sql.def"
#undef X
    PSQL_COUNT
};
extern const struct db_schema portal_schema;

struct portal_application {
    char id[41], state[17], content_sha256[SHA256_HEX_SIZE]; /* "" before it is submitted */
    char owner[UUID_SIZE], created_by[UUID_SIZE];            /* organisation and account; "" of an import */
    int64_t created_at, form_version, submitted_at;          /* 0: not yet */
    int64_t validity_days;                                   /* 0: the profile's default */
    char delivery_method[8];                                 /* "mail", "pickup" or "" */
    int64_t promise_due, promise_days, promise_stopped_at;   /* portal/promise.h */
    char paper_number[65], carrier[65], tracking_number[65];
    int64_t handed_over_at;
    char organisation[257], identifier[33], profile[33];
    char approval_id[UUID_SIZE], first_reviewer[257], final_reviewer[257];
    int64_t approved_at, generation;
    char station[65]; /* "": held by none */
    int64_t lease_until;
    char fault_code[33], fault_detail[1025]; /* of the last failure; "" when it is over */
    int64_t updated_at;
};

/* ERR_NOT_FOUND naming the id. */
int portal_application_get(struct db *db, const char *id, struct portal_application *ret, struct err *err);

/* Every application after `after` (by id), of one state or all (""), at most `limit`. */
int portal_application_list(struct db *db, const char *after, const char *state, int64_t limit,
                            int (*each)(const struct portal_application *row, void *arg, struct err *err),
                            void *arg, struct err *err);

/* How many there are of each state: calls `each` once a state that has any. */
int portal_application_counts(struct db *db, void (*each)(const char *state, int64_t n, void *arg), void *arg,
                              struct err *err);

struct portal_certificate {
    char serial[65], application[41];
    int64_t generation;
    char station[65], token_serial[65], product[33], key_id[129], sha256[SHA256_HEX_SIZE];
    int64_t not_before, not_after, recorded_at, voided_at; /* voided_at 0: it stands */
};

/* *ret_found false when there is none. */
int portal_certificate_by_serial(struct db *db, const char *serial, bool *ret_found,
                                 struct portal_certificate *ret, struct err *err);

/* Everything that is known of one application, as JSON for people: document, orders, reviews, lendings,
 * certificates (with PEM), voids, events. The caller's. */
int portal_application_json(struct db *db, const char *id, json_t **ret, struct err *err);

struct portal_event {
    const char *application, *who, *what;
    const char *from_state, *to_state; /* NULL: no change of state */
    bool alert;                        /* an operator has to look */
    const char *detail; /* for the operating organisation */
    const char *note;   /* for everybody who may see the application; NULL: none */
};
int portal_event_add(struct db *db, int64_t now, const struct portal_event *event, struct err *err);

struct portal_station {
    char sha256[SHA256_HEX_SIZE], name[65], serial[65];
    int64_t not_before, not_after, enrolled_at;
    char enrolled_by[65];
    int64_t revoked_at; /* 0: not */
    char revoked_by[65];
};
int portal_station_list(struct db *db,
                        int (*each)(const struct portal_station *row, void *arg, struct err *err), void *arg,
                        struct err *err);

#endif
