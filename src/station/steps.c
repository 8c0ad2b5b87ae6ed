/* What the steps share, and the table of them. */
#include "station/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small helpers ---- */

void evidence_hex(json_t *o, const char *key, const void *data, size_t len)
{
    char *hex = malloc(2 * len + 1);
    if (hex == NULL)
        return;
    hex_encode(data, len, hex);
    json_object_set_new(o, key, json_string(hex));
    free(hex);
}

void evidence_str(json_t *o, const char *key, const char *value)
{
    json_object_set_new(o, key, json_string(value));
}

void evidence_int(json_t *o, const char *key, int64_t value)
{
    json_object_set_new(o, key, json_integer((json_int_t)value));
}

/* The first `cap` - 1 bytes, cut at a whole character. */
void text_cut(char *dst, size_t cap, const char *src)
{
    size_t n = strnlen(src, cap - 1);
    while (n > 0 && !utf8_valid(src, n))
        n--;
    memcpy(dst, src, n);
    dst[n] = '\0';
}

const struct profile *job_profile(struct station *st, struct job *job, struct err *fail)
{
    const struct profile *p = profiles_find(st->profiles, job->row.profile);
    if (p == NULL)
        err_set(fail, ERR_PROFILE, "profile \"%s\" is not one of this station's (%s)", job->row.profile,
                st->conf.profiles);
    return p;
}

void so_pin_of(const struct token_row *token, int64_t so_try, uint8_t *ret_kind, uint32_t *ret_version)
{
    const bool changing = token->so_changing_to != 0;
    const bool new_one = changing && so_try <= 1;
    const bool derived = new_one || strcmp(token->so_kind, "derived") == 0;
    *ret_kind = derived ? SO_PIN_DERIVED : SO_PIN_FACTORY;
    *ret_version = new_one ? (uint32_t)token->so_changing_to : derived ? (uint32_t)token->so_version : 0;
}

void evidence_so_pin(json_t *evidence, uint8_t kind, uint32_t version)
{
    char text[24];
    if (kind == SO_PIN_DERIVED)
        snprintf(text, sizeof text, "derived(%u)", version);
    else
        snprintf(text, sizeof text, "factory");
    evidence_str(evidence, "so_pin", text);
}

int step_reply_end(struct msg_in *reply, struct err *fail)
{
    return msg_end(reply, fail) < 0 ? STEP_REFUSED : 0;
}

int key_attributes_check(const char *token, uint32_t attributes, struct err *fail)
{
    if ((attributes & KEY_ATTRIBUTES_DEMANDED) == KEY_ATTRIBUTES_DEMANDED &&
        (attributes & (KEY_EXTRACTABLE | KEY_CAN_DECRYPT)) == 0)
        return 0;
    err_set(fail, ERR_TOKEN_MISMATCH,
            "token %s: the private key's attributes are 0x%x: not local, sensitive, never extractable, for "
            "signing only",
            token, attributes);
    return STEP_REFUSED;
}

const struct step_ops step_ops[STEP_COUNT] = {
    [STEP_CHECK] = {step_check_begin, step_check_finish},
    [STEP_INITIALISE] = {step_initialise_begin, step_initialise_finish},
    [STEP_SET_SO_PIN] = {step_set_so_pin_begin, step_set_so_pin_finish},
    [STEP_SET_USER_PIN] = {step_set_user_pin_begin, step_set_user_pin_finish},
    [STEP_GENERATE_KEY] = {step_generate_key_begin, step_generate_key_finish},
    [STEP_PROVE_POSSESSION] = {step_prove_begin, step_prove_finish},
    [STEP_RESERVE] = {step_reserve_begin, step_reserve_finish},
    [STEP_SIGN] = {step_sign_begin, step_sign_finish},
    [STEP_WRITE] = {step_write_begin, step_write_finish},
    [STEP_VERIFY] = {step_verify_begin, step_verify_finish},
    [STEP_COMMIT_RECORD] = {step_commit_begin, NULL},
};
