/* The halves of the steps (struct step_ops), one file a group, and what they share. */
#ifndef CASTATION_STATION_STEPS_H
#define CASTATION_STATION_STEPS_H

#include "station/station.h"

#define STEP_REFUSED 1 /* *fail says why */
#define STEP_NO_OP   2 /* begin: nothing to do, it is done */

#define STEP_MESSAGE(msg, verb) msg_begin(msg, (uint8_t)(verb), 0, 0)
#define SET_SERIAL(req, job)    snprintf((req).serial, sizeof(req).serial, "%s", (job)->row.token)

/* Evidence for the journal. Never a secret. */
void evidence_hex(json_t *o, const char *key, const void *data, size_t len);
void evidence_str(json_t *o, const char *key, const char *value);
void evidence_int(json_t *o, const char *key, int64_t value);
void evidence_so_pin(json_t *evidence, uint8_t kind, uint32_t version);

void text_cut(char *dst, size_t cap, const char *src); /* what fits, cut at a whole character */
const struct profile *job_profile(struct station *st, struct job *job,
                                  struct err *fail);                                /* NULL: ERR_PROFILE */
int step_reply_end(struct msg_in *reply, struct err *fail);                         /* 0 or STEP_REFUSED */
int key_attributes_check(const char *token, uint32_t attributes, struct err *fail); /* 0 or STEP_REFUSED */

#define STEP_BEGIN(name)                                                                                     \
    int step_##name##_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,      \
                            struct err *fail, struct err *err)
#define STEP_FINISH(name)                                                                                    \
    int step_##name##_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,    \
                             struct err *fail, struct err *err)
STEP_BEGIN(check);
STEP_FINISH(check);
STEP_BEGIN(initialise);
STEP_FINISH(initialise);
STEP_BEGIN(set_so_pin);
STEP_FINISH(set_so_pin);
STEP_BEGIN(set_user_pin);
STEP_FINISH(set_user_pin);
STEP_BEGIN(generate_key);
STEP_FINISH(generate_key);
STEP_BEGIN(prove);
STEP_FINISH(prove);
STEP_BEGIN(reserve);
STEP_FINISH(reserve);
STEP_BEGIN(sign);
STEP_FINISH(sign);
STEP_BEGIN(write);
STEP_FINISH(write);
STEP_BEGIN(verify);
STEP_FINISH(verify);
STEP_BEGIN(commit);

#endif
