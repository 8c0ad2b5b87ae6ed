/* The command line's calls, inside castationd: one table of commands (control.c), a handler each (views.c:
 * what there is; control_acts.c, control_tokens.c: what is to be done). A handler runs within the turn's
 * transaction. */
#ifndef CASTATION_STATION_CONTROL_H
#define CASTATION_STATION_CONTROL_H

#include "station/station.h"

#define CONTROL_LIST_DEFAULT 100
#define CONTROL_LIST_MAX     10000
#define CONTROL_ACTOR_SIZE   32

struct control_call {
    int client; /* who asked: the descriptor, its serial and the request's id are the way of the answer */
    uint64_t client_serial;
    uint32_t id;
    char actor[CONTROL_ACTOR_SIZE]; /* "uid 1000", for the audit log */
    const json_t *arguments;        /* checked against the command's fields */
    struct msg_in *message;         /* for msg_take_fd */
};

/* CALL_DONE: *ret is the answer (the caller's); CALL_REFUSED: *fail is; CALL_LATER: it comes by itself. -1:
 * the turn has failed (*err). */
enum control_outcome { CALL_DONE, CALL_REFUSED, CALL_LATER };
#define CONTROL_HANDLER(name)                                                                                \
    int name(struct station *st, const struct control_call *call, json_t **ret, struct err *fail,            \
             struct err *err)

CONTROL_HANDLER(view_status);
CONTROL_HANDLER(view_bays);
CONTROL_HANDLER(view_rack);
CONTROL_HANDLER(view_jobs);
CONTROL_HANDLER(view_job);
CONTROL_HANDLER(view_tokens);
CONTROL_HANDLER(view_token);
CONTROL_HANDLER(view_stock);
CONTROL_HANDLER(act_stock_add);
CONTROL_HANDLER(act_retry);
CONTROL_HANDLER(act_letter);
CONTROL_HANDLER(act_quarantine);
CONTROL_HANDLER(act_unquarantine);
CONTROL_HANDLER(act_recycle);

/* err_set for a refusal: fills *fail, returns CALL_REFUSED. */
int call_refused(struct err *fail, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A record was not read: not being there is the caller's mistake (CALL_REFUSED), anything else ends the turn
 * (-1). */
int call_not_read(const struct err *why, struct err *fail, struct err *err);
/* The answer of a call that has done what was asked: {}. */
int call_done(json_t **ret, struct err *err);

/* ---- building answers ---- */
struct control_member {
    const char *name, *text;
};
/* A JSON string of text that may have been cut within a character. NULL: out of memory. */
json_t *control_text(const char *text);
/* An object of strings. NULL: out of memory. */
json_t *control_object(const struct control_member *members, size_t n);
#define CONTROL_OBJECT(...)                                                                                  \
    control_object((const struct control_member[]){__VA_ARGS__},                                             \
                   sizeof((const struct control_member[]){__VA_ARGS__}) / sizeof(struct control_member))
int64_t control_limit(const struct control_call *call);

/* ---- acts on tokens that the rest of the station shares ---- */
/* Say what the bay that shows this token may do now. */
int control_token_changed(struct station *st, const char *serial, struct err *err);
/* A job that wipes the token in whatever bay it is: voids its certificate first, moves a deliverable token
 * into quarantine, where it stays until the job has wiped it. 0; CALL_REFUSED with *fail; -1. */
int recycle_begin(struct station *st, const char *serial, const char *actor, char ret_job[UUID_SIZE],
                  struct err *fail, struct err *err);

#endif
