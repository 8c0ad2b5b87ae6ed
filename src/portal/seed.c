#include "portal/seed.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "portal/account.h"
#include "portal/promise.h"
#include "portal/setting.h"
#include "store/portal_store.h"

#define CALENDAR_MAX 65536
#define SEEDED       "seeded" /* a setting: terms and prices were there once, and may be gone on purpose */

static int count(struct db *db, enum portal_sql statement, int64_t *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, (int)statement, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    *ret = r == 1 ? db_col_int(rows, 0) : 0;
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

/* ---- settings ---- */

static int seed_settings(struct db *db, struct err *err)
{
    for (size_t i = 0; i < n_settings; i++)
        if (db_exec(db, PSQL_SETTING_SEED, DB_ARGS(DB_TEXT(settings[i].key), DB_TEXT(settings[i].first)),
                    NULL, err) != 0)
            return -1;
    return 0;
}

/* ---- terms ---- */

static const struct {
    const char *title[LANG_COUNT], *text[LANG_COUNT];
} CLAUSES[] = {
#define X(title_zh, title_en, zh, en) {{title_zh, title_en}, {zh, en}},
#include "portal/terms.def"
#undef X
};

static const char *const NUMBERS[] = {"一", "二", "三",   "四",   "五",   "六",   "七",  "八",
                                      "九", "十", "十一", "十二", "十三", "十四", "十五"};
_Static_assert(sizeof(CLAUSES) / sizeof(CLAUSES[0]) <= sizeof(NUMBERS) / sizeof(NUMBERS[0]), "more numbers");

static int write_terms(enum lang lang, struct buf *out, struct err *err)
{
    int rc = buf_put_str(
        out,
        lang == LANG_ZH
            ? "CA "
              "证书申领与使用协议\n\n请在申领前仔细阅读。点击“同意”即表示贵单位已阅读并接受以下全部条款。\n"
            : "Subscriber agreement for CA certificates\n\nPlease read this before you apply. By agreeing, "
              "your organisation accepts all of it.\n",
        err);
    for (size_t i = 0; rc == 0 && i < sizeof(CLAUSES) / sizeof(CLAUSES[0]); i++) {
        rc = lang == LANG_ZH ? buf_printf(out, err, "\n第%s条　%s\n", NUMBERS[i], CLAUSES[i].title[lang])
                             : buf_printf(out, err, "\n%zu. %s\n", i + 1, CLAUSES[i].title[lang]);
        if (rc == 0)
            rc = buf_printf(out, err, "%s\n", CLAUSES[i].text[lang]);
    }
    return rc == 0 && !buf_cstr(out) ? err_set(err, ERR_MEMORY, "terms") : rc;
}

static int seed_terms(struct db *db, int64_t now, struct err *err)
{
    struct buf zh, en;
    int rc = -1;
    buf_init(&zh);
    buf_init(&en);
    if (write_terms(LANG_ZH, &zh, err) == 0 && write_terms(LANG_EN, &en, err) == 0)
        rc = db_exec(db, PSQL_TERMS_INSERT,
                     DB_ARGS(DB_INT(1), DB_TEXT(buf_cstr(&zh)), DB_TEXT(buf_cstr(&en)), DB_INT(now),
                             DB_TEXT("castation")),
                     NULL, err);
    buf_done(&zh);
    buf_done(&en);
    return rc;
}

/* ---- prices ---- */

static const struct {
    enum organisation_kind kind;
    int64_t days, fen;
} PRICES[] = {
    {ORGANISATION_ENTERPRISE, 365, 20000},  {ORGANISATION_ENTERPRISE, 730, 36000},
    {ORGANISATION_ENTERPRISE, 1095, 50000}, {ORGANISATION_INSTITUTION, 365, 0},
    {ORGANISATION_INSTITUTION, 730, 0},     {ORGANISATION_INSTITUTION, 1095, 0},
};

static int seed_prices(struct db *db, const struct conf_strs *profiles, struct err *err)
{
    for (size_t p = 0; p < profiles->n; p++)
        for (size_t i = 0; i < sizeof(PRICES) / sizeof(PRICES[0]); i++)
            if (db_exec(db, PSQL_PRICE_PUT,
                        DB_ARGS(DB_TEXT(organisation_kind_name(PRICES[i].kind)), DB_TEXT(profiles->items[p]),
                                DB_INT(PRICES[i].days), DB_INT(PRICES[i].fen)),
                        NULL, err) != 0)
                return -1;
    return 0;
}

/* ---- the calendar ---- */

/* "2026.csv" → 2026; 0 for any other name. */
static int64_t year_of(const char *name)
{
    if (strlen(name) != 8 || strspn(name, "0123456789") != 4 || strcmp(name + 4, ".csv") != 0)
        return 0;
    return strtoll(name, NULL, 10);
}

static int seed_year(struct db *db, int64_t now, const char *folder, const char *name, struct err *err)
{
    char path[512];
    struct db_rows *rows = NULL;
    struct buf csv;
    if (db_query(db, PSQL_CALENDAR_YEAR_GET, DB_ARGS(DB_INT(year_of(name))), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err), rc = -1;
    db_rows_free(&rows);
    if (r != 0)
        return r < 0 ? -1 : 0;
    buf_init(&csv);
    if (path_join(path, sizeof(path), folder, name, err) == 0 &&
        file_read(path, CALENDAR_MAX, &csv, err) == 0 && buf_cstr(&csv))
        rc = calendar_load(db, now, year_of(name), buf_cstr(&csv), "", err);
    buf_done(&csv);
    return rc == 0 ? 0 : err_prepend(err, "%s", path);
}

static int seed_calendar(struct db *db, const struct portal_conf *conf, int64_t now, struct err *err)
{
    char folder[512];
    int rc = 0;
    if (path_join(folder, sizeof(folder), conf->data, "calendar", err) != 0)
        return -1;
    DIR *d = opendir(folder);
    if (!d) {
        log_warning("%s: %s: working days are Monday to Friday, and provisional, until a calendar is loaded",
                    folder, strerror(errno));
        return 0;
    }
    for (struct dirent *e; rc == 0 && (e = readdir(d)) != NULL;)
        if (year_of(e->d_name) != 0)
            rc = seed_year(db, now, folder, e->d_name, err);
    closedir(d);
    return rc;
}

/* ---- all ---- */

static int seed_once(struct db *db, const struct portal_conf *conf, int64_t now, struct err *err)
{
    char done[8];
    int64_t terms, prices;
    if (setting_get(db, SEEDED, "", done, sizeof(done), err) != 0)
        return -1;
    if (done[0])
        return 0;
    if (count(db, PSQL_TERMS_COUNT, &terms, err) != 0 || count(db, PSQL_PRICE_COUNT, &prices, err) != 0 ||
        (terms == 0 && seed_terms(db, now, err) != 0) ||
        (prices == 0 && seed_prices(db, &conf->profiles, err) != 0))
        return -1;
    return setting_set(db, SEEDED, "1", err);
}

int portal_seed(struct db *db, const struct portal_conf *conf, int64_t now, struct err *err)
{
    if (db_begin(db, err) != 0)
        return -1;
    if (seed_settings(db, err) == 0 && seed_once(db, conf, now, err) == 0 &&
        seed_calendar(db, conf, now, err) == 0)
        return db_commit(db, err);
    db_rollback(db);
    return err_prepend(err, "first data");
}

int portal_seed_sample(struct db *db, struct err *err)
{
    int64_t points;
    char id[UUID_SIZE];
    if (count(db, PSQL_POINT_COUNT, &points, err) != 0)
        return -1;
    if (points > 0)
        return 0;
    uuid7(id);
    return db_exec(db, PSQL_POINT_INSERT,
                   DB_ARGS(DB_TEXT(id), DB_TEXT("西湖服务网点（示例）"), DB_TEXT("浙江省杭州市西湖区"),
                           DB_TEXT("示例路 1 号政务服务中心 2 楼 18 号窗口"), DB_TEXT("0571-00000000"),
                           DB_TEXT("工作日 9:00–12:00，13:30–17:00")),
                   NULL, err);
}
