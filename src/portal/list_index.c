#include "portal/list.h"
#include "portal/list_text.h"

struct index {
    struct db *db;
    const char *application;
    int64_t created_at;
};

/* Pairs of a former name stay: a search looks at the rows themselves, so they cost a look and find nothing
 * wrong. */
static int put(const char *gram, void *arg, struct err *err)
{
    const struct index *x = arg;
    return db_exec(x->db, PSQL_GRAM_INSERT,
                   DB_ARGS(DB_TEXT(gram), DB_INT(x->created_at), DB_TEXT(x->application)), NULL, err);
}

int list_index(struct db *db, const char *application, struct err *err)
{
    struct portal_application a;
    struct db_rows *rows = NULL;
    int r = 0;
    if (portal_application_get(db, application, &a, err) != 0)
        return -1;
    struct index index = {db, a.id, a.created_at};
    if (list_text_grams(a.organisation, put, &index, err) != 0 ||
        list_text_grams(a.identifier, put, &index, err) != 0 ||
        list_text_grams(a.id, put, &index, err) != 0 ||
        db_query(db, PSQL_LIST_TOKENS, DB_ARGS(DB_TEXT(a.id)), &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        if ((r = list_text_grams(db_col_text(rows, 0), put, &index, err)) != 0)
            break;
    db_rows_free(&rows);
    return r;
}
