/* A thin driver over a database. SQL stands in one enumerated list of named statements a program, in a dialect that
 * SQLite and the PostgreSQL protocol both take ($1… parameters, BIGINT, TEXT, BYTEA/BLOB, UPDATE … RETURNING).
 *
 * Errors: ERR_DB_BUSY (locked beyond the busy timeout), ERR_CONFLICT (unique or foreign key), ERR_DISK_FULL,
 * ERR_DB_NEWER, ERR_DATABASE; the text names the statement. A handle belongs to one thread. */
#ifndef CASTATION_STORE_DB_H
#define CASTATION_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct db_rows;

struct db_statement {
    const char *name; /* "job_insert" */
    const char *sql;
};

/* Migrations, in order; step i brings user_version from i to i+1, in one transaction. */
struct db_schema {
    const char *const *steps;
    size_t n_steps;
    const struct db_statement *statements;
    size_t n_statements;
};

enum db_kind { DB_KIND_NULL, DB_KIND_INT, DB_KIND_TEXT, DB_KIND_BLOB };
struct db_value {
    enum db_kind kind;
    int64_t integer;
    const void *data; /* TEXT: NUL-terminated; BLOB: len bytes; NULL pointer → SQL NULL */
    size_t len;
};
#define DB_INT(i)      ((struct db_value){.kind = DB_KIND_INT, .integer = (int64_t)(i)})
#define DB_TEXT(s)     ((struct db_value){.kind = DB_KIND_TEXT, .data = (s)})
#define DB_BLOB(p, n)  ((struct db_value){.kind = DB_KIND_BLOB, .data = (p), .len = (n)})
#define DB_NULL        ((struct db_value){.kind = DB_KIND_NULL})
#define DB_ARGS(...)   (const struct db_value[]){__VA_ARGS__}, sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)
#define DB_NO_ARGS     NULL, (size_t)0

enum db_flags {
    DB_READ_ONLY = 1,
    DB_EXCLUSIVE = 2, /* one process at a time: ERR_RUNNING when another holds it (flock on PATH.lock) */
};

/* SQLite: WAL, synchronous=FULL, foreign_keys, secure_delete, busy_timeout 5 s. Creates the file 0600 and migrates. */
int db_open(struct db **ret, const char *path, const struct db_schema *schema, unsigned flags, struct err *err);
void db_close(struct db **db);

int db_begin(struct db *db, struct err *err); /* BEGIN IMMEDIATE */
int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* Run a statement that answers no rows we want. *ret_changes may be NULL. */
int db_exec(struct db *db, int statement, const struct db_value *args, size_t n, int64_t *ret_changes, struct err *err);

/* Run a statement that answers rows. `while ((r = db_next(rows, err)) == 1)`; -1 error. One open db_rows per statement. */
int db_query(struct db *db, int statement, const struct db_value *args, size_t n, struct db_rows **ret, struct err *err);
int db_next(struct db_rows *rows, struct err *err);
int64_t db_col_int(struct db_rows *rows, int col);
const char *db_col_text(struct db_rows *rows, int col);                   /* "" for NULL; valid until db_next */
const void *db_col_blob(struct db_rows *rows, int col, size_t *ret_len);  /* likewise */
bool db_col_null(struct db_rows *rows, int col);
void db_rows_free(struct db_rows **rows);

/* Counters since open, for status and bench. */
struct db_counts {
    int64_t transactions, statements;
};
struct db_counts db_counts(const struct db *db);

#endif
