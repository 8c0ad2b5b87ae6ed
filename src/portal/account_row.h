/* What the files of account*.c share: reading rows, and one-line statements. */
#ifndef CASTATION_PORTAL_ACCOUNT_ROW_H
#define CASTATION_PORTAL_ACCOUNT_ROW_H

#include "portal/account.h"
#include "store/portal_store.h"

#define ACCOUNT_DAY_MS    INT64_C(86400000)
#define ACCOUNT_N_COLUMNS 13 /* of ACCOUNT_COLUMNS */

#define ACCOUNT_KEEP(rows, col, field) account_keep(rows, col, field, sizeof(field))
void account_keep(struct db_rows *rows, int col, char *field, size_t size);
/* ACCOUNT_COLUMNS, which stand first in the row. */
void account_read(struct db_rows *rows, struct account_user *u);
/* Run it; ERR_NOT_FOUND naming the account when nothing was changed. */
int account_change(struct db *db, int statement, const struct db_value *args, size_t n, const char *id,
                   struct err *err);
/* 32 random bytes as base64url, and the SHA-256 under which they are kept. */
void account_token_new(char ret_token[ACCOUNT_TOKEN_SIZE], char ret_sha256[SHA256_HEX_SIZE]);
int account_link_end_all(struct db *db, const char *user, struct err *err);

#endif
