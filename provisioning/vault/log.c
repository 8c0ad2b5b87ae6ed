#include "vault/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/json.h"

#define HASH_HEX (2 * SHA256_SIZE)

struct vault_log {
    int fd;
    uint64_t end, records;
    struct log_place last; /* found by replay */
    uint8_t hash[SHA256_SIZE];
    bool broken;
};

static const char *const type_names[RECORD_TYPE_COUNT] = {
#define X(type, name) name,
#include "vault/record.def"
#undef X
};

const char *record_type_name(enum record_type type)
{
    return type_names[type];
}

enum record_type record_type_from_name(const char *name)
{
    for (int i = 0; i < RECORD_TYPE_COUNT; i++)
        if (strcmp(type_names[i], name) == 0)
            return (enum record_type)i;
    return RECORD_TYPE_COUNT;
}

/* ---- replay ------------------------------------------------------------------------------------- */

/* One whole line, its newline taken off. Fills *ret_record and moves l->hash on. */
static int check_line(struct vault_log *l, const char *line, size_t len, json_t **ret_record, struct err *err)
{
    uint8_t next[SHA256_SIZE];
    char expected[HASH_HEX + 1];
    if (len < HASH_HEX + 3 || line[HASH_HEX] != ' ')
        return err_set(err, ERR_VAULT_LOG, "not a record");
    const char *body = line + HASH_HEX + 1;
    size_t body_len = len - HASH_HEX - 1;
    chain_next(l->hash, body, body_len, next);
    hex_encode(next, sizeof(next), expected);
    if (memcmp(expected, line, HASH_HEX) != 0)
        return err_set(err, ERR_VAULT_LOG,
                       "the hash chain does not hold: this record or one before it was changed");
    json_t *record = json_parse(body, body_len, err);
    if (!record) {
        err->code = ERR_VAULT_LOG;
        return -1;
    }
    const char *type = json_str(record, "type");
    if (!json_is_object(record) || json_int(record, "n") != (int64_t)(l->records + 1) ||
        clock_utc_parse(json_str(record, "at")) < 0 || record_type_from_name(type) == RECORD_TYPE_COUNT) {
        json_decref(record);
        return err_set(err, ERR_VAULT_LOG, "a record of no known type, time or number");
    }
    memcpy(l->hash, next, sizeof(next));
    *ret_record = record;
    return 0;
}

struct replay {
    int (*each)(void *arg, const json_t *record, const struct log_place *place, struct err *err);
    void *arg;
};

/* 1: go on, 0: the end or a torn last line, -1: damage. */
static int replay_line(struct vault_log *l, FILE *f, char **line, size_t *cap, const struct replay *r,
                       struct err *err)
{
    errno = 0;
    ssize_t n = getline(line, cap, f);
    if (n < 0)
        return ferror(f) ? err_sys(err, "read") : 0;
    if ((*line)[n - 1] != '\n')
        return 0;
    if ((size_t)n > VAULT_LOG_LINE_MAX)
        return err_set(err, ERR_VAULT_LOG, "a line of %zd bytes", n);
    json_t *record = NULL;
    if (check_line(l, *line, (size_t)n - 1, &record, err) != 0)
        return -1;
    struct log_place place = {.offset = l->end, .len = (uint32_t)n};
    int rc = r->each(r->arg, record, &place, err);
    json_decref(record);
    if (rc != 0)
        return -1;
    l->last = place;
    l->end += (uint64_t)n;
    l->records++;
    return 1;
}

static int replay(struct vault_log *l, const char *path, const struct replay *r, struct err *err)
{
    char *line = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return err_sys(err, "%s", path);
    int rc;
    do
        rc = replay_line(l, f, &line, &cap, r, err);
    while (rc > 0);
    if (rc < 0)
        err_prepend(err, "%s: line %llu", path, (unsigned long long)(l->records + 1));
    free(line);
    fclose(f);
    return rc;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static int open_file(struct vault_log *l, const char *path, struct err *err)
{
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0)
        return err_sys(err, "%s", path);
    /* every time: the vault that made the file may have died before it came here */
    if (fsync(l->fd) != 0)
        return err_sys(err, "%s: fsync", path);
    return file_fsync_folder_of(path, err);
}

static int write_whole(int fd, const uint8_t *data, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static int cut_torn(struct vault_log *l, const char *path, uint64_t *ret_cut, struct err *err)
{
    struct stat st;
    if (fstat(l->fd, &st) != 0)
        return err_sys(err, "%s", path);
    *ret_cut = (uint64_t)st.st_size - l->end;
    if (*ret_cut > 0 && ftruncate(l->fd, (off_t)l->end) != 0)
        return err_sys(err, "%s: cut off a torn last line", path);
    return 0;
}

/* A vault that ended because its fsync failed left a last record that every reader sees and the disk may not
 * have: the kernel takes such pages for written. It is believed from now on, so it is written again. */
static int settle_last(struct vault_log *l, const char *path, struct err *err)
{
    uint8_t line[VAULT_LOG_LINE_MAX];
    ssize_t n = pread(l->fd, line, l->last.len, (off_t)l->last.offset);
    if (n != (ssize_t)l->last.len || write_whole(l->fd, line, l->last.len, l->last.offset) != 0 ||
        fsync(l->fd) != 0)
        return err_sys(err, "%s: make its last record durable", path);
    return 0;
}

int vault_log_open(const char *state_folder,
                   int (*each)(void *arg, const json_t *record, const struct log_place *place,
                               struct err *err),
                   void *arg, struct vault_log **ret, uint64_t *ret_cut, struct err *err)
{
    char path[PATH_MAX];
    struct replay r = {.each = each, .arg = arg};
    struct vault_log *l = calloc(1, sizeof(*l));
    if (!l)
        return err_set(err, ERR_MEMORY, "the vault's log");
    l->fd = -1;
    if (path_join(path, sizeof(path), state_folder, VAULT_LOG_NAME, err) != 0 ||
        open_file(l, path, err) != 0 || replay(l, path, &r, err) != 0 ||
        cut_torn(l, path, ret_cut, err) != 0 || settle_last(l, path, err) != 0) {
        vault_log_close(&l);
        return -1;
    }
    *ret = l;
    return 0;
}

void vault_log_close(struct vault_log **lp)
{
    struct vault_log *l = lp ? *lp : NULL;
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    free(l);
    *lp = NULL;
}

/* ---- appending ---------------------------------------------------------------------------------- */

static int format_line(struct vault_log *l, enum record_type type, json_t *fields, struct buf *line,
                       uint8_t ret_hash[SHA256_SIZE], struct err *err)
{
    char at[CLOCK_UTC_SIZE], hash[HASH_HEX + 1];
    clock_utc_text(clock_utc_ms(), at);
    if (json_object_set_new(fields, "n", json_integer((json_int_t)(l->records + 1))) != 0 ||
        json_object_set_new(fields, "at", json_string(at)) != 0 ||
        json_object_set_new(fields, "type", json_string(record_type_name(type))) != 0)
        return err_set(err, ERR_MEMORY, "a log record");
    memset(hash, ' ', sizeof(hash));
    if (buf_put(line, hash, HASH_HEX + 1, err) != 0 || json_canonical(fields, line, err) != 0)
        return -1;
    chain_next(l->hash, line->data + HASH_HEX + 1, line->len - HASH_HEX - 1, ret_hash);
    hex_encode(ret_hash, SHA256_SIZE, hash);
    memcpy(line->data, hash, HASH_HEX);
    if (buf_put(line, "\n", 1, err) != 0)
        return -1;
    return line->len <= VAULT_LOG_LINE_MAX
               ? 0
               : err_set(err, ERR_TOO_LARGE, "a log record of %zu bytes", line->len);
}

static int write_line(struct vault_log *l, enum record_type type, const struct buf *line, struct err *err)
{
    if (write_whole(l->fd, line->data, line->len, l->end) != 0) {
        err_sys(err, "append to the log");
        l->broken = ftruncate(l->fd, (off_t)l->end) != 0;
        return -1;
    }
    crash_point("vault.%s.before_fsync", record_type_name(type));
    if (fdatasync(l->fd) != 0) {
        /* the kernel may have dropped the pages and say so only once: asking again would lie */
        l->broken = true;
        return err_sys(err, "make the log durable");
    }
    crash_point("vault.%s.after_fsync", record_type_name(type));
    return 0;
}

int vault_log_append(struct vault_log *l, enum record_type type, json_t *fields, struct log_place *ret,
                     struct err *err)
{
    if (l->broken)
        return err_set(err, ERR_VAULT_LOG, "the log could not be written before: the vault starts again");
    uint8_t hash[SHA256_SIZE];
    struct buf line;
    buf_init(&line);
    int rc = format_line(l, type, fields, &line, hash, err);
    if (rc == 0)
        rc = write_line(l, type, &line, err);
    if (rc == 0) {
        *ret = (struct log_place){.offset = l->end, .len = (uint32_t)line.len};
        memcpy(l->hash, hash, sizeof(hash));
        l->end += line.len;
        l->records++;
    }
    buf_done(&line);
    return rc;
}

bool vault_log_broken(const struct vault_log *l)
{
    return l->broken;
}

int vault_log_read(const struct vault_log *l, const struct log_place *place, json_t **ret, struct err *err)
{
    char *line = malloc(place->len);
    if (!line)
        return err_set(err, ERR_MEMORY, "a log record");
    ssize_t n = pread(l->fd, line, place->len, (off_t)place->offset);
    if (n != (ssize_t)place->len || n <= HASH_HEX + 2) {
        free(line);
        return err_set(err, ERR_VAULT_LOG, "a record cannot be read back from the log");
    }
    json_t *record = json_parse(line + HASH_HEX + 1, (size_t)n - HASH_HEX - 2, err);
    free(line);
    if (!record)
        return -1;
    *ret = record;
    return 0;
}

uint64_t vault_log_records(const struct vault_log *l)
{
    return l->records;
}
