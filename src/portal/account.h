/* Accounts: organisations, users, passwords, second factors, sessions, throttling, one-time links, the audit of
 * what people did. No HTTP here. Every function runs inside the caller's transaction, but those that hash
 * (marked "hashes"): they may take 100 ms and must be called outside of any. */
#ifndef CASTATION_PORTAL_ACCOUNT_H
#define CASTATION_PORTAL_ACCOUNT_H

#include "base/buf.h"
#include "base/hex.h"
#include "portal/role.h"
#include "store/db.h"

#define ACCOUNT_EMAIL_MAX     64  /* bytes: a reviewer's stands in the approval */
#define ACCOUNT_NAME_MAX      64  /* code points */
#define ACCOUNT_PASSWORD_MIN  10  /* code points */
#define ACCOUNT_PASSWORD_MAX  256 /* bytes */
#define ACCOUNT_TOKEN_SIZE    44  /* 32 random bytes, base64url, with the NUL; only its SHA-256 is stored */
#define ACCOUNT_TOTP_SIZE     33  /* 20 bytes, base32, with the NUL */

enum organisation_kind { ORGANISATION_ENTERPRISE, ORGANISATION_INSTITUTION, ORGANISATION_KIND_COUNT };
const char *organisation_kind_name(enum organisation_kind kind); /* "enterprise", "institution" */
enum organisation_kind organisation_kind_from_name(const char *name); /* …_COUNT when unknown */

struct account_organisation {
    char id[UUID_SIZE];
    enum organisation_kind kind;
    char name[257];           /* "" until entered */
    char identifier_kind[16]; /* "USCC", "INTERNAL" or "" */
    char identifier[33];      /* "" until there is one */
    int64_t created_at;
};

struct account_user {
    char id[UUID_SIZE];
    char email[ACCOUNT_EMAIL_MAX + 1]; /* lower case */
    char name[ACCOUNT_NAME_MAX * 4 + 1];
    char mobile[21];             /* may be "" */
    char organisation[UUID_SIZE]; /* "" for staff */
    unsigned int roles;
    enum lang lang;
    bool email_checked, disabled, has_totp, has_password;
    int64_t created_at, last_login_at; /* 0: never */
};

/* ---- organisations */
int account_organisation_new(struct db *db, int64_t now, enum organisation_kind kind, const char *name,
                             const char *uscc_or_empty, char ret_id[UUID_SIZE], struct err *err); /* ERR_IDENTIFIER, ERR_FIELD; ERR_EXISTS: the USCC has an account */
int account_organisation_get(struct db *db, const char *id, struct account_organisation *ret, struct err *err);
/* "" when no organisation has it. */
int account_organisation_by_uscc(struct db *db, const char *uscc, char ret_id[UUID_SIZE], struct err *err);
/* The name, once entered, and then an internal identifier ("zcy" + 12 digits) for an institution without a USCC: made
 * once and kept. A USCC replaces an internal one. ERR_EXISTS as above. */
int account_organisation_name(struct db *db, const char *id, const char *name, const char *uscc_or_empty,
                              struct account_organisation *ret, struct err *err);

/* ---- users */
struct account_new {
    const char *email, *name, *mobile;
    const char *organisation; /* "" for staff */
    unsigned int roles;       /* ERR_REFUSED: applicant and staff do not mix; no organisation; first and final may be
                                 one person's roles, never in one application */
    enum lang lang;
    bool email_checked;
};
int account_new(struct db *db, int64_t now, const struct account_new *a, char ret_id[UUID_SIZE], struct err *err); /* ERR_FIELD naming email or name; ERR_EXISTS */
int account_by_id(struct db *db, const char *id, struct account_user *ret, struct err *err);       /* ERR_NOT_FOUND */
int account_by_email(struct db *db, const char *email, struct account_user *ret, struct err *err); /* ERR_NOT_FOUND; any case */
/* By e-mail after `after` (""): of one organisation, or of staff (organisation ""). */
int account_list(struct db *db, const char *organisation, const char *after, int64_t limit,
                 int (*each)(const struct account_user *u, void *arg, struct err *err), void *arg, struct err *err);
/* Everybody, likewise. */
int account_list_all(struct db *db, const char *after, int64_t limit,
                     int (*each)(const struct account_user *u, void *arg, struct err *err), void *arg, struct err *err);
int account_set_roles(struct db *db, const char *id, unsigned int roles, struct err *err);
int account_set_disabled(struct db *db, const char *id, bool disabled, struct err *err); /* ends its sessions */
int account_set_profile(struct db *db, const char *id, const char *name, const char *mobile, enum lang lang, struct err *err);
int account_set_email_checked(struct db *db, const char *id, struct err *err);
int account_logged_in(struct db *db, int64_t now, const char *id, struct err *err);
/* The e-mail as it is kept: lower case. ERR_FIELD with the reason. */
int account_email(const char *typed, char ret[ACCOUNT_EMAIL_MAX + 1], struct err *err);
int account_mobile_check(const char *mobile, struct err *err); /* "" is fine; ERR_FIELD */
/* A registration whose e-mail was never checked, and its organisation when nothing else hangs on it. ERR_REFUSED: it
 * was checked, or used. */
int account_forget_unchecked(struct db *db, const char *id, struct err *err);
/* *ret_any: somebody of the organisation has checked an e-mail address. */
int account_any_checked(struct db *db, const char *organisation, bool *ret_any, struct err *err);

/* ---- passwords: argon2id (64 MiB, 3 passes, 1 lane; RFC 9106), at most `hash_slots` at once, others wait up to 5 s,
 * then ERR_RATE. `password` is secret. */
int account_hashing_init(unsigned int hash_slots, struct err *err);
enum account_password_fault {
    PASSWORD_FINE,
    PASSWORD_SHORT,
    PASSWORD_LONG,
    PASSWORD_BYTES, /* no UTF-8, or a control character */
    PASSWORD_PERSONAL,
    PASSWORD_COMMON,
    PASSWORD_REPEATED,
};
enum account_password_fault account_password_fault(const struct account_user *u, const struct buf *password);
/* ERR_FIELD with the reason: length, the e-mail or name inside, one of the most common ones, one character repeated. */
int account_password_check_rules(const struct account_user *u, const struct buf *password, struct err *err);
int account_password_hash(const struct buf *password, char ret[192], struct err *err); /* hashes */
/* Ends all its sessions and every link that could set it: the caller makes a new session where one goes on. */
int account_password_set(struct db *db, const char *id, const char *hash, struct err *err);
/* hashes. *ret_right; takes as long for a user that there is not (id ""), or that has no password. */
int account_password_right(struct db *db, const char *id, const struct buf *password, bool *ret_right, struct err *err);

/* ---- second factor: TOTP (RFC 6238: SHA-1, 6 digits, 30 s, ±1 step; a step is used once) */
void account_totp_new(char ret_secret[ACCOUNT_TOTP_SIZE]);
int account_totp_set(struct db *db, const char *id, const char *secret_or_null, struct err *err);
bool account_totp_matches(const char *secret, const char *code, int64_t now, int64_t after_step, int64_t *ret_step);
/* *ret_right; a right code's step is consumed. */
int account_totp_right(struct db *db, const char *id, const char *code, int64_t now, bool *ret_right, struct err *err);

/* ---- sessions */
#define ACCOUNT_IDLE_MS     INT64_C(1800000)  /* 30 min */
#define ACCOUNT_ABSOLUTE_MS INT64_C(43200000) /* 12 h */
struct account_session {
    char sha256[SHA256_HEX_SIZE]; /* "": none */
    char user[UUID_SIZE];
    bool second_factor; /* done, or not needed */
    int64_t created_at, seen_at;
    char address[64];
};
int account_session_new(struct db *db, int64_t now, const char *user, bool second_factor, const char *address,
                        char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err);
/* The session and its user; ERR_NOT_FOUND: none, over, or the user is disabled. Writes seen_at at most once a minute
 * (and so needs no transaction of the caller's). */
int account_session_find(struct db *db, int64_t now, const char *token, struct account_session *ret,
                         struct account_user *ret_user, struct err *err);
/* Whose it is, or was while its row is there; "" when that is not known. */
int account_session_owner(struct db *db, const char *token, char ret_user[UUID_SIZE], struct err *err);
int account_session_end(struct db *db, const char *sha256, struct err *err);
int account_session_end_all(struct db *db, const char *user, const char *but_sha256, struct err *err);

/* ---- throttling: 5 failures free, then 1, 2, 4 … 900 s; forgotten after a day without one */
int account_throttle_wait(struct db *db, int64_t now, const char *key, int64_t *ret_ms, struct err *err); /* 0: go on */
int account_throttle_fail(struct db *db, int64_t now, const char *key, struct err *err);
/* Of a key that many people share (an address): `free_failures` before the first wait. */
int account_throttle_fail_after(struct db *db, int64_t now, const char *key, int64_t free_failures, struct err *err);
/* Takes one failure back: a try is counted before its password is hashed, so that many at once do not all slip through. */
int account_throttle_forgive(struct db *db, const char *key, struct err *err);
int account_throttle_clear(struct db *db, const char *key, struct err *err);

/* ---- one-time links by mail */
enum account_link { ACCOUNT_LINK_EMAIL, ACCOUNT_LINK_RESET, ACCOUNT_LINK_INVITATION, ACCOUNT_LINK_COUNT };
/* Earlier ones of the same user and purpose end. EMAIL 1 day, RESET 30 min, INVITATION 7 days. */
int account_link_new(struct db *db, int64_t now, enum account_link purpose, const char *user,
                     char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err);
/* Withdraws what is open. */
int account_link_end(struct db *db, enum account_link purpose, const char *user, struct err *err);
/* ERR_NOT_FOUND: unknown, used or too old, or the user is disabled. `use`: from now on used. */
int account_link_take(struct db *db, int64_t now, enum account_link purpose, const char *token, bool use,
                      struct account_user *ret_user, struct err *err);

/* ---- audit: what people saw or changed that is no event of an application. Append-only. `detail` without secrets. */
int account_audit(struct db *db, int64_t now, const char *who, const char *what, const char *subject,
                  const char *detail, struct err *err);

/* Rows that are over: sessions, links, throttles; registrations whose e-mail was not checked within a day. */
int account_purge(struct db *db, int64_t now, struct err *err);

#endif
