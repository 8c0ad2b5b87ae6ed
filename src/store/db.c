#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS  5000
#define PAUSE_MS 20

struct db_rows {
    struct db *db;
    sqlite3_stmt *stmt; /* prepared at first use, kept until db_close */
    int statement;
    bool open, ended;
};

struct db {
    sqlite3 *sqlite;
    const struct db_schema *schema;
    struct db_rows *rows; /* one a statement */
    int lock_fd;
    struct db_counts counts;
    char path[PATH_MAX]; /* "" while db_open is at work, which names it itself */
};

/* ---- errors
 * -------------------------------------------------------------------------------------------------- */

static bool out_of_space(sqlite3 *sqlite)
{
    int sys = sqlite3_system_errno(sqlite);
    return sys == ENOSPC || sys == EDQUOT;
}

static enum err_code code_of(sqlite3 *sqlite)
{
    static const struct {
        int sqlite; /* extended or primary */
        enum err_code code;
    } MAP[] = {
        {SQLITE_BUSY, ERR_DB_BUSY},
        {SQLITE_LOCKED, ERR_DB_BUSY},
        {SQLITE_FULL, ERR_DISK_FULL},
        {SQLITE_NOMEM, ERR_MEMORY},
        {SQLITE_CONSTRAINT_UNIQUE, ERR_CONFLICT},
        {SQLITE_CONSTRAINT_PRIMARYKEY, ERR_CONFLICT},
        {SQLITE_CONSTRAINT_ROWID, ERR_CONFLICT},
        {SQLITE_CONSTRAINT_FOREIGNKEY, ERR_CONFLICT},
    };
    int rc = sqlite3_extended_errcode(sqlite);
    for (size_t i = 0; i < sizeof(MAP) / sizeof(MAP[0]); i++)
        if (MAP[i].sqlite == rc || MAP[i].sqlite == (rc & 0xff))
            return MAP[i].code;
    if (((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN) && out_of_space(sqlite))
        return ERR_DISK_FULL;
    return ERR_DATABASE;
}

static int fail(const struct db *db, const char *what, struct err *err)
{
    return err_set(err, code_of(db->sqlite), "%s%s%s: %s", db->path, db->path[0] ? ": " : "", what,
                   sqlite3_errmsg(db->sqlite));
}

static const char *name_of(const struct db *db, int statement)
{
    return db->schema->statements[statement].name;
}

/* ---- opening
 * ------------------------------------------------------------------------------------------------- */

static int holder_of(int fd)
{
    char text[16] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    return n > 0 ? (int)strtol(text, NULL, 10) : 0;
}

/* The lock file stays when its holder ends: to remove it would let a third process lock a file that has no
 * name. */
static int take_lock(struct db *db, const char *path, struct err *err)
{
    char lock[PATH_MAX], pid[16];
    int len = snprintf(lock, sizeof(lock), "%s.lock", path);
    if (len < 0 || (size_t)len >= sizeof(lock))
        return err_set(err, ERR_TOO_LARGE, "%s: the path is too long", path);
    db->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (db->lock_fd < 0)
        return err_sys(err, "%s", lock);
    if (flock(db->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return err_sys(err, "%s: flock", lock);
        return err_set(err, ERR_RUNNING, "%s is held by process %d", path, holder_of(db->lock_fd));
    }
    len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    /* Only a help for whoever is refused; the lock itself is the flock. */
    if (ftruncate(db->lock_fd, 0) < 0 || pwrite(db->lock_fd, pid, (size_t)len, 0) < 0)
        return err_sys(err, "%s", lock);
    return 0;
}

/* SQLite would create the file with the umask's mode; its -wal and -shm take the mode that the file has. */
static int ensure_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? 0 : err_sys(err, "%s", path);
    close(fd);
    return 0;
}

static int run(struct db *db, const char *sql, const char *what, struct err *err)
{
    if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(db, what, err);
    return 0;
}

/* The change into WAL answers SQLITE_BUSY at once, without the busy handler, while another process makes it
 * too. */
static int enter_wal(struct db *db, struct err *err)
{
    for (int waited = 0;; waited += PAUSE_MS) {
        if (run(db, "PRAGMA journal_mode = WAL", "journal_mode", err) == 0)
            return 0;
        if (err->code != ERR_DB_BUSY || waited >= BUSY_MS)
            return -1;
        sqlite3_sleep(PAUSE_MS);
    }
}

static int user_version(struct db *db, int64_t *ret, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->sqlite, "PRAGMA user_version", -1, &stmt, NULL);
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        *ret = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        return 0;
    }
    fail(db, "user_version", err);
    sqlite3_finalize(stmt);
    return -1;
}

static int check_version(struct db *db, int64_t *ret, struct err *err)
{
    if (user_version(db, ret, err) < 0)
        return -1;
    if (*ret > (int64_t)db->schema->n_steps)
        return err_set(err, ERR_DB_NEWER, "its schema is version %lld, this program knows %zu",
                       (long long)*ret, db->schema->n_steps);
    return 0;
}

/* Version is read again inside the transaction: another process may have migrated in between. */
static int migrate_one(struct db *db, bool *ret_done, struct err *err)
{
    int64_t version;
    char sql[64], what[48];
    if (db_begin(db, err) < 0)
        return -1;
    if (check_version(db, &version, err) < 0)
        goto fail;
    *ret_done = version == (int64_t)db->schema->n_steps;
    if (!*ret_done) {
        snprintf(what, sizeof(what), "migration to %lld", (long long)version + 1);
        snprintf(sql, sizeof(sql), "PRAGMA user_version = %lld", (long long)version + 1);
        if (run(db, db->schema->steps[version], what, err) < 0 || run(db, sql, what, err) < 0)
            goto fail;
    }
    return db_commit(db, err);
fail:
    db_rollback(db);
    return -1;
}

static int migrate(struct db *db, struct err *err)
{
    int64_t version;
    bool done = false;
    if (check_version(db, &version, err) < 0)
        return -1;
    if (version == (int64_t)db->schema->n_steps)
        return 0;
    while (!done)
        if (migrate_one(db, &done, err) < 0)
            return -1;
    return 0;
}

static int require_current(struct db *db, struct err *err)
{
    int64_t version;
    if (check_version(db, &version, err) < 0)
        return -1;
    if (version < (int64_t)db->schema->n_steps)
        return err_set(err, ERR_DATABASE,
                       "its schema is version %lld, older than this program's %zu: start the service once",
                       (long long)version, db->schema->n_steps);
    return 0;
}

static int open_sqlite(struct db *db, const char *path, unsigned flags, struct err *err)
{
    int mode = flags & DB_READ_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (sqlite3_open_v2(path, &db->sqlite, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) !=
        SQLITE_OK) {
        if (!db->sqlite)
            return err_set(err, ERR_MEMORY, "out of memory");
        return fail(db, "open", err);
    }
    sqlite3_busy_timeout(db->sqlite, BUSY_MS);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (run(db, "PRAGMA foreign_keys = ON", "foreign_keys", err) < 0)
        return -1;
    if (flags & DB_READ_ONLY)
        return require_current(db, err);
    if (enter_wal(db, err) < 0 || run(db, "PRAGMA synchronous = FULL", "synchronous", err) < 0 ||
        run(db, "PRAGMA secure_delete = ON", "secure_delete", err) < 0)
        return -1;
    return migrate(db, err);
}

static int prepare_files(struct db *db, const char *path, unsigned flags, struct err *err)
{
    if ((flags & DB_EXCLUSIVE) && take_lock(db, path, err) < 0)
        return -1;
    if (!(flags & DB_READ_ONLY))
        return ensure_file(path, err);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "%s: there is no such database", path);
    return 0;
}

int db_open(struct db **ret, const char *path, const struct db_schema *schema, unsigned flags,
            struct err *err)
{
    struct db *db = calloc(1, sizeof(*db));
    if (!db)
        return err_set(err, ERR_MEMORY, "out of memory");
    db->lock_fd = -1;
    db->schema = schema;
    db->rows = calloc(schema->n_statements + 1, sizeof(*db->rows));
    if (!db->rows) {
        err_set(err, ERR_MEMORY, "out of memory");
        goto fail;
    }
    if (prepare_files(db, path, flags, err) < 0)
        goto fail;
    if (open_sqlite(db, path, flags, err) < 0) {
        err_prepend(err, "%s", path);
        goto fail;
    }
    snprintf(db->path, sizeof(db->path), "%s", path);
    *ret = db;
    return 0;
fail:
    db_close(&db);
    return -1;
}

void db_close(struct db **dbp)
{
    struct db *db = dbp ? *dbp : NULL;
    if (!db)
        return;
    for (size_t i = 0; db->rows && i < db->schema->n_statements; i++)
        sqlite3_finalize(db->rows[i].stmt);
    sqlite3_close_v2(db->sqlite);
    if (db->lock_fd >= 0)
        close(db->lock_fd);
    free(db->rows);
    free(db);
    *dbp = NULL;
}

/* ---- transactions
 * -------------------------------------------------------------------------------------------- */

int db_begin(struct db *db, struct err *err)
{
    return run(db, "BEGIN IMMEDIATE", "begin", err);
}

/* After a failed commit nothing of the transaction holds: SQLite may have rolled back already, and leaves the
 * transaction open on SQLITE_BUSY. One outcome is easier to reason about. */
int db_commit(struct db *db, struct err *err)
{
    if (run(db, "COMMIT", "commit", err) < 0) {
        db_rollback(db);
        return -1;
    }
    db->counts.transactions++;
    return 0;
}

void db_rollback(struct db *db)
{
    if (db_in_transaction(db))
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

bool db_in_transaction(const struct db *db)
{
    return sqlite3_get_autocommit(db->sqlite) == 0;
}

/* ---- statements
 * ---------------------------------------------------------------------------------------------- */

static int bind_one(sqlite3_stmt *stmt, int index, const struct db_value *v)
{
    if (v->kind == DB_KIND_INT)
        return sqlite3_bind_int64(stmt, index, v->integer);
    if (v->kind == DB_KIND_TEXT && v->data)
        return sqlite3_bind_text(stmt, index, v->data, -1, SQLITE_TRANSIENT);
    if (v->kind == DB_KIND_BLOB && v->data)
        return sqlite3_bind_blob64(stmt, index, v->data, v->len, SQLITE_TRANSIENT);
    return sqlite3_bind_null(stmt, index);
}

/* SQLite numbers named parameters by appearance, PostgreSQL by their name: so $n is looked up. */
static int bind_all(struct db *db, struct db_rows *rows, const struct db_value *args, size_t n,
                    struct err *err)
{
    if ((size_t)sqlite3_bind_parameter_count(rows->stmt) != n)
        return err_set(err, ERR_INTERNAL, "statement %s takes %d parameters, not %zu",
                       name_of(db, rows->statement), sqlite3_bind_parameter_count(rows->stmt), n);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "$%zu", i + 1);
        int index = sqlite3_bind_parameter_index(rows->stmt, name);
        if (index == 0)
            return err_set(err, ERR_INTERNAL, "statement %s has no %s", name_of(db, rows->statement), name);
        if (bind_one(rows->stmt, index, &args[i]) != SQLITE_OK)
            return fail(db, name_of(db, rows->statement), err);
    }
    return 0;
}

static void release(struct db_rows *rows)
{
    sqlite3_reset(rows->stmt);
    sqlite3_clear_bindings(rows->stmt);
    rows->open = false;
}

static int start(struct db *db, int statement, const struct db_value *args, size_t n, struct db_rows **ret,
                 struct err *err)
{
    if (statement < 0 || (size_t)statement >= db->schema->n_statements)
        return err_set(err, ERR_INTERNAL, "statement %d is outside the list", statement);
    struct db_rows *rows = &db->rows[statement];
    if (rows->open)
        return err_set(err, ERR_INTERNAL, "statement %s is still open", name_of(db, statement));
    rows->db = db;
    rows->statement = statement;
    if (!rows->stmt && sqlite3_prepare_v3(db->sqlite, db->schema->statements[statement].sql, -1,
                                          SQLITE_PREPARE_PERSISTENT, &rows->stmt, NULL) != SQLITE_OK)
        return fail(db, name_of(db, statement), err);
    if (bind_all(db, rows, args, n, err) < 0) {
        release(rows);
        return -1;
    }
    rows->open = true;
    rows->ended = false;
    db->counts.statements++;
    *ret = rows;
    return 0;
}

int db_exec(struct db *db, int statement, const struct db_value *args, size_t n, int64_t *ret_changes,
            struct err *err)
{
    struct db_rows *rows;
    int r;
    if (start(db, statement, args, n, &rows, err) < 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        continue;
    db_rows_free(&rows);
    if (r == 0 && ret_changes)
        *ret_changes = sqlite3_changes64(db->sqlite);
    return r;
}

int db_query(struct db *db, int statement, const struct db_value *args, size_t n, struct db_rows **ret,
             struct err *err)
{
    return start(db, statement, args, n, ret, err);
}

int db_next(struct db_rows *rows, struct err *err)
{
    if (rows->ended)
        return 0;
    int rc = sqlite3_step(rows->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    rows->ended = true; /* one more step would run the statement again */
    if (rc == SQLITE_DONE)
        return 0;
    return fail(rows->db, name_of(rows->db, rows->statement), err);
}

int64_t db_col_int(struct db_rows *rows, int col)
{
    return sqlite3_column_int64(rows->stmt, col);
}

const char *db_col_text(struct db_rows *rows, int col)
{
    const unsigned char *text = sqlite3_column_text(rows->stmt, col);
    return text ? (const char *)text : "";
}

const void *db_col_blob(struct db_rows *rows, int col, size_t *ret_len)
{
    const void *data = sqlite3_column_blob(rows->stmt, col);
    *ret_len = (size_t)sqlite3_column_bytes(rows->stmt, col);
    return data;
}

bool db_col_null(struct db_rows *rows, int col)
{
    return sqlite3_column_type(rows->stmt, col) == SQLITE_NULL;
}

void db_rows_free(struct db_rows **rows)
{
    if (!rows || !*rows)
        return;
    release(*rows);
    *rows = NULL;
}

struct db_counts db_counts(const struct db *db)
{
    return db->counts;
}
