#include "station/clock_guard.h"

#include <stdio.h>

#define SLACK_MS 300000

int clock_guard_open(struct station *st, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_JOURNAL_TIME, DB_NO_ARGS, &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    const int64_t at = got == 1 ? clock_utc_parse(db_col_text(rows, 0)) : -1;
    db_rows_free(&rows);
    st->clock.latest_ms = at > 0 ? at : 0;
    return got < 0 ? -1 : 0;
}

void clock_guard_see(struct station *st)
{
    const int64_t now = clock_utc_ms();
    if (st->clock.latest_ms < now)
        st->clock.latest_ms = now;
}

static int64_t behind_ms(const struct station *st)
{
    return st->clock.latest_ms - clock_utc_ms();
}

bool clock_is_back(const struct station *st)
{
    return behind_ms(st) > SLACK_MS;
}

int clock_guard_tell(struct station *st, char ret_detail[160], struct err *err)
{
    char latest[CLOCK_UTC_SIZE];
    clock_utc_text(st->clock.latest_ms, latest);
    snprintf(ret_detail, 160,
             "the machine's clock is behind the journal, which was at %s already: set it right", latest);
    if (st->clock.told)
        return 0;
    st->clock.told = true;
    return alert(st, err_name(ERR_CLOCK), st->conf.name, err, "%s; nothing is begun meanwhile", ret_detail);
}
