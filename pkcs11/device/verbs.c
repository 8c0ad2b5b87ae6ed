/* The table of verbs, and what is common to all: decode, check what must be there, act, answer. */
#include "device/verbs.h"

#include <string.h>

#include "base/crash.h"
#include "device/handlers.h"
#include "device/session.h"

enum need {
    NEED_NOTHING = 0,
    NEED_MODULE = 1,   /* hello came before */
    NEED_USER_PIN = 2, /* this worker made the token's user PIN */
};

static int ready(const struct bay *b, unsigned int needs, struct err *err)
{
    if ((needs & NEED_MODULE) && !b->module)
        return err_set(err, ERR_WRONG_STATE, "no module is loaded: hello must come first");
    if ((needs & NEED_USER_PIN) && b->user_pin.pin.len == 0)
        return err_set(err, ERR_WRONG_STATE,
                       "this worker has no user PIN: seal_pin and set_user_pin must come first");
    return 0;
}

/* ---- one function a verb: bytes → request → handler → answer
 * ------------------------------------------------------ */

static int all_read(struct bay *b, struct msg_in *m, struct err *err)
{
    if (msg_end(m, err) == 0)
        return 0;
    b->broken = true;
    return -1;
}

#define SERVE(name)                                                                                          \
    static int serve_##name(struct bay *b, struct msg_in *m, struct msg_out *out, unsigned int needs,        \
                            struct err *err)                                                                 \
    {                                                                                                        \
        struct bay_##name##_req q;                                                                           \
        struct bay_##name##_rep r;                                                                           \
        memset(&r, 0, sizeof(r));                                                                            \
        bay_##name##_req_get(m, &q);                                                                         \
        if (all_read(b, m, err) != 0 || ready(b, needs, err) != 0 || handle_##name(b, &q, &r, err) != 0)     \
            return -1;                                                                                       \
        bay_##name##_rep_put(out, &r);                                                                       \
        return 0;                                                                                            \
    }

/* a verb whose answer has no body */
#define SERVE_PLAIN(name)                                                                                    \
    static int serve_##name(struct bay *b, struct msg_in *m, struct msg_out *out, unsigned int needs,        \
                            struct err *err)                                                                 \
    {                                                                                                        \
        (void)out;                                                                                           \
        struct bay_##name##_req q;                                                                           \
        bay_##name##_req_get(m, &q);                                                                         \
        return all_read(b, m, err) == 0 && ready(b, needs, err) == 0 ? handle_##name(b, &q, err) : -1;       \
    }

SERVE(hello)
SERVE(probe)
SERVE(init)
SERVE_PLAIN(set_so_pin)
SERVE(seal_pin)
SERVE_PLAIN(set_user_pin)
SERVE(keygen)
SERVE(csr)
SERVE(write)
SERVE(verify)
SERVE(wipe)

/* the only verb with a descriptor */
static int serve_channel(struct bay *b, struct msg_in *m, struct msg_out *out, unsigned int needs,
                         struct err *err)
{
    (void)out;
    struct bay_channel_req q;
    bay_channel_req_get(m, &q);
    int fd = msg_take_fd(m);
    if (all_read(b, m, err) == 0 && ready(b, needs, err) == 0)
        return handle_channel(b, &q, fd, err);
    handle_refused_channel(fd);
    return -1;
}

static int serve_quit(struct bay *b, struct msg_in *m, struct msg_out *out, unsigned int needs,
                      struct err *err)
{
    (void)out;
    (void)needs;
    if (all_read(b, m, err) != 0)
        return -1;
    b->quit = true;
    return 0;
}

/* ---- table
 * -------------------------------------------------------------------------------------------------------- */

struct verb {
    int (*serve)(struct bay *b, struct msg_in *m, struct msg_out *out, unsigned int needs, struct err *err);
    unsigned int needs;
};

static const struct verb VERBS[BAY_VERB_COUNT] = {
    [BAY_HELLO] = {serve_hello, NEED_NOTHING},
    [BAY_CHANNEL] = {serve_channel, NEED_NOTHING},
    [BAY_PROBE] = {serve_probe, NEED_MODULE},
    [BAY_INIT] = {serve_init, NEED_MODULE},
    [BAY_SET_SO_PIN] = {serve_set_so_pin, NEED_MODULE},
    [BAY_SEAL_PIN] = {serve_seal_pin, NEED_MODULE},
    [BAY_SET_USER_PIN] = {serve_set_user_pin, NEED_MODULE | NEED_USER_PIN},
    [BAY_KEYGEN] = {serve_keygen, NEED_MODULE | NEED_USER_PIN},
    [BAY_CSR] = {serve_csr, NEED_MODULE | NEED_USER_PIN},
    [BAY_WRITE] = {serve_write, NEED_MODULE | NEED_USER_PIN},
    [BAY_VERIFY] = {serve_verify, NEED_MODULE | NEED_USER_PIN},
    [BAY_WIPE] = {serve_wipe, NEED_MODULE},
    [BAY_QUIT] = {serve_quit, NEED_NOTHING},
};

/* Modules name a pulled token in many ways: if it is not there any more, that is the reason, whatever they
 * said. */
static void find_reason(struct bay *b, struct err *err)
{
    if (!b->module || b->wanted[0] == '\0' || (err->code != ERR_TOKEN_FAILED && err->code != ERR_MODULE))
        return;
    struct token t;
    struct err gone;
    if (token_find(b->module, b->product, b->wanted, &t, &gone) == 0 ||
        (gone.code != ERR_TOKEN_ABSENT && gone.code != ERR_TOKEN_CHANGED))
        return;
    err->code = gone.code;
    err_prepend(err, "token %s is gone", b->wanted);
}

static void answer_error(struct bay *b, enum bay_verb verb, const struct msg_in *request,
                         struct msg_out *answer, struct err *err)
{
    find_reason(b, err);
    session_close(b); /* the next verb begins afresh */
    err_prepend(err, "bay %s: %s", b->name[0] != '\0' ? b->name : "?", bay_verb_name(verb));
    msg_begin(answer, (uint8_t)verb, MSG_REPLY | MSG_ERROR, request->id);
    msg_put_err(answer, err);
}

int verbs_serve(struct bay *b, struct msg_in *request, struct msg_out *answer, struct err *err)
{
    if (request->verb == BAY_NONE || request->verb >= BAY_VERB_COUNT || request->flags != 0)
        return err_set(err, ERR_PROTOCOL, "verb %u with flags %u is none of the bay's requests",
                       request->verb, request->flags);
    enum bay_verb verb = (enum bay_verb)request->verb;
    b->wanted[0] = '\0';
    crash_point("bay.%s.before", bay_verb_name(verb));
    msg_begin(answer, (uint8_t)verb, MSG_REPLY, request->id);
    int rc = VERBS[verb].serve(b, request, answer, VERBS[verb].needs, err);
    if (b->broken)
        return err_prepend(err, "%s", bay_verb_name(verb));
    crash_point("bay.%s.after", bay_verb_name(verb));
    if (rc != 0)
        answer_error(b, verb, request, answer, err);
    return 0;
}
