/* Lists of applications at size: fill a portal's database, then time pages of lists and searches through it.
 * usage: lists fill DATABASE N      (a new one; about 5 kB an application)
 *        lists time DATABASE RUNS   prints, for each kind of page, rows, p50 and p99 in milliseconds */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "domain/uscc.h"
#include "portal/list.h"
#include "portal/list_text.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define EVERY    60000 /* ms between two applications; the last is of now */

static struct err err;

#define MUST(call)                                                                                           \
    do {                                                                                                     \
        if ((call) != 0) {                                                                                   \
            fprintf(stderr, "lists: %s: %s\n", #call, err.text);                                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/* ---- what fills it: the same every time ---- */

static uint64_t seed = 88172645463325252U;
static uint32_t draw(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % below;
}

static const char *const CITIES[] = {"杭州", "宁波", "温州", "嘉兴", "湖州", "绍兴", "金华",
                                     "衢州", "舟山", "台州", "丽水", "上海", "南京", "苏州",
                                     "深圳", "广州", "北京", "成都", "武汉", "西安"};
static const char *const TRADES[] = {"科技",     "信息技术", "建设工程", "医疗器械", "办公设备",
                                     "贸易",     "园林绿化", "物业管理", "文化传媒", "环保科技",
                                     "教育咨询", "食品",     "智能制造", "检测技术"};
static const char *const FORMS[] = {"有限公司",     "有限公司",     "有限公司",
                                    "股份有限公司", "有限责任公司", "研究院"};
static const char *const STATES[] = {"issued", "issued", "issued",   "issued",
                                     "issued", "issued", "rejected", "withdrawn"};
static const char WORDS[] =
    "华信泰和安达东方新亚中恒天海宏远盛世金鼎博雅同创嘉禾瑞祥云帆启明星辰卓越立诚永固长青"
    "光大正源浩宇锦绣隆昌广厦百川汇智凌峰朗润沃德凯旋航宇翔宸景泽沐阳蓝图腾飞";

static void random_name(char *ret, size_t cap)
{
    const size_t n = (sizeof(WORDS) - 1) / 3;
    char words[16] = "";
    for (size_t i = 0; i < 3; i++)
        memcpy(words + 3 * i, WORDS + 3 * draw((uint32_t)n), 3);
    snprintf(ret, cap, "%s%s%s%s", CITIES[draw(COUNT(CITIES))], words, TRADES[draw(COUNT(TRADES))],
             FORMS[draw(COUNT(FORMS))]);
}

static void random_uscc(char ret[USCC_LENGTH + 1])
{
    snprintf(ret, USCC_LENGTH + 1, "91%02u%02u%02uMA%07u", 31 + draw(20), 1 + draw(20), 1 + draw(10),
             draw(10000000));
    uscc_complete(ret);
}

static void random_id(int64_t at, char ret[41])
{
    static const char CROCKFORD[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char day[16];
    time_t s = (time_t)(at / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    strftime(day, sizeof(day), "%Y%m%d", &tm);
    int n = snprintf(ret, 41, "CA%s-", day);
    for (int i = 0; i < 8; i++)
        ret[n + i] = CROCKFORD[draw(32)];
    ret[n + 8] = '\0';
}

/* As an applicant fills it in. */
static void random_form(const char *name, const char *uscc, char *ret, size_t cap)
{
    snprintf(
        ret, cap,
        "{\"agent\":\"yes\",\"agent_id_number\":\"11010519491231002X\",\"agent_mobile\":\"138%08u\",\"agent_"
        "name\":"
        "\"李晓梅\",\"authority_city\":\"330100\",\"authority_district\":\"330106\",\"authority_name\":"
        "\"杭州市西湖区市场监督管理局\",\"authority_province\":\"330000\",\"delivery_address\":\"文三路 %u "
        "号 8 幢 1201 室\","
        "\"delivery_city\":\"330100\",\"delivery_district\":\"330106\",\"delivery_method\":\"mail\","
        "\"delivery_name\":"
        "\"李晓梅\",\"delivery_phone\":\"138%08u\",\"delivery_province\":\"330000\",\"identifier\":\"%s\","
        "\"legal_representative\":\"陈建国\",\"name\":\"%s\",\"profile\":\"org-sign-p256\",\"validity_days\":"
        "\"365\"}",
        draw(100000000), draw(900), draw(100000000), uscc, name);
}

struct filler {
    sqlite3 *db;
    sqlite3_stmt *application, *certificate, *gram;
    const char *id;
    int64_t at;
    char form[1601];
    int64_t now;
};

static void step(sqlite3 *db, sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE && sqlite3_errcode(db) != SQLITE_CONSTRAINT) {
        fprintf(stderr, "lists: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_reset(stmt);
}

static int put_gram(const char *gram, void *arg, struct err *e)
{
    struct filler *f = arg;
    (void)e;
    sqlite3_bind_text(f->gram, 1, gram, -1, SQLITE_STATIC);
    sqlite3_bind_int64(f->gram, 2, f->at);
    sqlite3_bind_text(f->gram, 3, f->id, -1, SQLITE_STATIC);
    step(f->db, f->gram);
    return 0;
}

static void put_certificate(struct filler *f, const char *token, int64_t n)
{
    char serial[33];
    snprintf(serial, sizeof(serial), "%032llx", (long long)n * 7919 + 1);
    sqlite3_bind_text(f->certificate, 1, serial, -1, SQLITE_STATIC);
    sqlite3_bind_text(f->certificate, 2, f->id, -1, SQLITE_STATIC);
    sqlite3_bind_text(f->certificate, 3, token, -1, SQLITE_STATIC);
    sqlite3_bind_int64(f->certificate, 4, f->at);
    step(f->db, f->certificate);
    MUST(list_text_grams(token, put_gram, f, &err));
}

static void put_application(struct filler *f, int64_t n, int64_t total)
{
    char name[128], uscc[USCC_LENGTH + 1], id[41], token[32];
    /* the last two thousand are under way, as at any time; now and then one failed */
    const char *state = n + 1000 > total   ? "first_review"
                        : n + 2000 > total ? "final_review"
                        : n % 20000 == 7   ? "failed"
                                           : STATES[draw(COUNT(STATES))];
    f->at = f->now - (total - n) * EVERY;
    random_name(name, sizeof(name));
    random_uscc(uscc);
    random_id(f->at, id);
    f->id = id;
    random_form(name, uscc, f->form, sizeof(f->form));
    sqlite3_bind_text(f->application, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(f->application, 2, state, -1, SQLITE_STATIC);
    sqlite3_bind_int64(f->application, 3, f->at);
    sqlite3_bind_text(f->application, 4, f->form, -1, SQLITE_STATIC);
    sqlite3_bind_text(f->application, 5, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(f->application, 6, uscc, -1, SQLITE_STATIC);
    sqlite3_bind_int64(f->application, 7, strstr(state, "review") ? f->at + 3 * INT64_C(86400000) : 0);
    step(f->db, f->application);
    MUST(list_text_grams(name, put_gram, f, &err));
    MUST(list_text_grams(uscc, put_gram, f, &err));
    MUST(list_text_grams(id, put_gram, f, &err));
    snprintf(token, sizeof(token), "UK%014llu", (unsigned long long)n * 9973 % 100000000000000);
    if (strcmp(state, "issued") == 0)
        put_certificate(f, token, n);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fprintf(stderr, "lists: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    return stmt;
}

static void fill(const char *path, int64_t total)
{
    struct filler f = {0};
    struct db *db = NULL;
    MUST(db_open(&db, path, &portal_schema, 0, &err)); /* makes the schema */
    db_close(&db);
    f.now = clock_utc_ms();
    sqlite3_open(path, &f.db);
    sqlite3_exec(f.db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -400000",
                 NULL, NULL, NULL);
    f.application =
        prepare(f.db, "INSERT INTO application (id, state, created_at, form, organisation, identifier, "
                      "profile, submitted_at, updated_at, promise_due, delivery_method) "
                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'org-sign-p256', ?3, ?3, ?7, 'mail')");
    f.certificate =
        prepare(f.db, "INSERT INTO certificate (serial, application, generation, station, token_serial, "
                      "product, key_id, pem, sha256, not_before, not_after, recorded_at) "
                      "VALUES (?1, ?2, 1, 'bench-1', ?3, 'softhsm', 'aa', '', ?1, ?4, ?4, ?4)");
    f.gram = prepare(f.db,
                     "INSERT OR IGNORE INTO search_gram (gram, created_at, application) VALUES (?1, ?2, ?3)");
    for (int64_t n = 0; n < total; n++) {
        if (n % 50000 == 0)
            sqlite3_exec(f.db, n ? "COMMIT; BEGIN" : "BEGIN", NULL, NULL, NULL);
        put_application(&f, n, total);
    }
    sqlite3_exec(f.db, "COMMIT", NULL, NULL, NULL);
    sqlite3_finalize(f.application);
    sqlite3_finalize(f.certificate);
    sqlite3_finalize(f.gram);
    sqlite3_close(f.db);
}

/* ---- timing ---- */

struct timing {
    const char *name;
    struct list_query query;
    bool queue, deep; /* deep: from the middle of the list */
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static size_t once(struct db *db, const struct timing *t, bool *ret_partial)
{
    json_t *page = NULL;
    MUST(t->queue ? list_queue(db, t->query.state, "", LIST_PAGE, &page, &err)
                  : list_applications(db, &t->query, &page, &err));
    size_t n = json_array_size(json_object_get(page, "rows"));
    *ret_partial = json_is_true(json_object_get(page, "partial"));
    json_decref(page);
    return n;
}

static void time_one(struct db *db, const struct timing *t, size_t runs)
{
    double *ms = calloc(runs, sizeof(*ms));
    size_t rows = 0;
    bool partial = false;
    for (size_t i = 0; ms && i < runs; i++) {
        double begin = now_ms();
        rows = once(db, t, &partial);
        ms[i] = now_ms() - begin;
    }
    double first = ms[0];
    qsort(ms, runs, sizeof(*ms), by_size);
    printf("%-44s %4zu rows%s  first %8.2f  p50 %8.2f  p99 %8.2f ms\n", t->name, rows, partial ? "+" : " ",
           first, ms[runs / 2], ms[runs * 99 / 100]);
    free(ms);
}

/* Something that is there: of the application in the middle. */
static void look_up(const char *path, const char *sql, char *ret, size_t cap)
{
    sqlite3 *db = NULL;
    sqlite3_open(path, &db);
    sqlite3_stmt *stmt = prepare(db, sql);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        snprintf(ret, cap, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

#define MIDDLE "FROM application WHERE rowid >= (SELECT max(rowid) / 2 FROM application) "

static void time_all(const char *path, size_t runs)
{
    struct db *db = NULL;
    char id[64] = "", uscc[64] = "", name[256] = "", token[64] = "", at[32] = "0";
    look_up(path, "SELECT id " MIDDLE "LIMIT 1", id, sizeof(id));
    look_up(path, "SELECT identifier " MIDDLE "LIMIT 1", uscc, sizeof(uscc));
    look_up(path, "SELECT organisation " MIDDLE "LIMIT 1", name, sizeof(name));
    look_up(path, "SELECT created_at " MIDDLE "LIMIT 1", at, sizeof(at));
    look_up(path,
            "SELECT token_serial FROM certificate WHERE rowid = (SELECT max(rowid) / 2 FROM certificate)",
            token, sizeof(token));
    MUST(db_open(&db, path, &portal_schema, 0, &err));
    const struct list_query all = {.owner = "", .state = "", .text = "", .cursor = "", .limit = LIST_PAGE};
    struct timing timings[] = {{.name = "newest page"},
                               {.name = "page in the middle"},
                               {.name = "of a state (issued)"},
                               {.name = "of a rare state (failed)"},
                               {.name = "queue of the first review", .queue = true},
                               {.name = "text: a common word (有限公司)"},
                               {.name = "text: two characters (科技)"},
                               {.name = "text: three characters"},
                               {.name = "text: a whole name"},
                               {.name = "text: a whole number"},
                               {.name = "text: half a number"},
                               {.name = "text: a whole social credit code"},
                               {.name = "text: a token's serial"},
                               {.name = "text: nobody has it (龘龘)"},
                               {.name = "text: common parts, nobody the whole"},
                               {.name = "text: common word in a rare state"}};
    for (size_t i = 0; i < COUNT(timings); i++)
        timings[i].query = all;
    timings[1].query.to = strtoll(at, NULL, 10);
    timings[2].query.state = "issued";
    timings[3].query.state = "failed";
    timings[4].query.state = "first_review";
    const char *const texts[] = {"有限公司", "科技", "华信泰", name,   id,
                                 id + 10,    uscc,   token,    "龘龘", "公司杭州有限公司"};
    for (size_t i = 0; i < COUNT(texts); i++)
        timings[5 + i].query.text = texts[i];
    timings[15].query.text = "有限公司";
    timings[15].query.state = "failed";
    for (size_t i = 0; i < COUNT(timings); i++)
        time_one(db, &timings[i], runs);
    db_close(&db);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "fill") == 0)
        fill(argv[2], strtoll(argv[3], NULL, 10));
    else if (argc == 4 && strcmp(argv[1], "time") == 0 && atoi(argv[3]) > 0)
        time_all(argv[2], (size_t)atoi(argv[3]));
    else
        return fprintf(stderr, "usage: lists fill DATABASE N | lists time DATABASE RUNS\n"), 2;
    return 0;
}
