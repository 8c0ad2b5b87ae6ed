/* Organisations and their identifiers. */
#include <stdio.h>
#include <string.h>

#include "domain/plain_text.h"
#include "domain/uscc.h"
#include "portal/account_row.h"

#define ORGANISATION_NAME_MAX 64 /* code points: it becomes O and CN of a certificate */
#define INTERNAL_DIGITS       12
#define INTERNAL_TRIES        16

static const char *const KINDS[ORGANISATION_KIND_COUNT] = {"enterprise", "institution"};

const char *organisation_kind_name(enum organisation_kind kind)
{
    return kind < ORGANISATION_KIND_COUNT ? KINDS[kind] : "unknown";
}

enum organisation_kind organisation_kind_from_name(const char *name)
{
    unsigned int kind = 0;
    while (kind < ORGANISATION_KIND_COUNT && strcmp(KINDS[kind], name) != 0)
        kind++;
    return (enum organisation_kind)kind;
}

static int id_by_identifier(struct db *db, const char *identifier, char ret_id[UUID_SIZE], struct err *err)
{
    struct db_rows *rows = NULL;
    ret_id[0] = '\0';
    if (db_query(db, PSQL_ORGANISATION_BY_IDENTIFIER, DB_ARGS(DB_TEXT(identifier)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        account_keep(rows, 0, ret_id, UUID_SIZE);
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

int account_organisation_by_uscc(struct db *db, const char *uscc, char ret_id[UUID_SIZE], struct err *err)
{
    return id_by_identifier(db, uscc, ret_id, err);
}

int account_organisation_get(struct db *db, const char *id, struct account_organisation *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_ORGANISATION_GET, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        memset(ret, 0, sizeof(*ret));
        ACCOUNT_KEEP(rows, 0, ret->id);
        ret->kind = organisation_kind_from_name(db_col_text(rows, 1));
        ACCOUNT_KEEP(rows, 2, ret->name);
        ACCOUNT_KEEP(rows, 3, ret->identifier_kind);
        ACCOUNT_KEEP(rows, 4, ret->identifier);
        ret->created_at = db_col_int(rows, 5);
    }
    db_rows_free(&rows);
    if (r < 0)
        return -1;
    return r == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "organisation %.40s", id);
}

/* Nobody but `own` ("" for a new one) has it. */
static int check_uscc(struct db *db, const char *uscc, const char *own, struct err *err)
{
    char other[UUID_SIZE];
    if (uscc_check(uscc, err) != 0 || id_by_identifier(db, uscc, other, err) != 0)
        return -1;
    if (other[0] && strcmp(other, own) != 0)
        return err_set(err, ERR_EXISTS, "%s: an organisation with it has an account", uscc);
    return 0;
}

static int make_internal(struct db *db, char ret[33], struct err *err)
{
    char other[UUID_SIZE];
    for (int i = 0; i < INTERNAL_TRIES; i++) {
        uint64_t number;
        random_bytes(&number, sizeof(number));
        snprintf(ret, 33, "zcy%0*llu", INTERNAL_DIGITS, (unsigned long long)(number % 1000000000000ULL));
        if (id_by_identifier(db, ret, other, err) != 0)
            return -1;
        if (!other[0])
            return 0;
    }
    return err_set(err, ERR_CONFLICT, "no free internal identifier was found");
}

int account_organisation_new(struct db *db, int64_t now, enum organisation_kind kind, const char *name,
                             const char *uscc, char ret_id[UUID_SIZE], struct err *err)
{
    char id[UUID_SIZE], internal[33] = "";
    if (kind >= ORGANISATION_KIND_COUNT)
        return err_set(err, ERR_FIELD, "kind: enterprise or institution");
    if (*name && plain_text_check(name, ORGANISATION_NAME_MAX, err) != 0)
        return err_prepend(err, "organisation's name");
    if (!*uscc && kind == ORGANISATION_ENTERPRISE)
        return err_set(err, ERR_IDENTIFIER, "an enterprise has a unified social credit code");
    if (*uscc && check_uscc(db, uscc, "", err) != 0)
        return -1;
    if (!*uscc && *name && make_internal(db, internal, err) != 0)
        return -1;
    const char *identifier = *uscc ? uscc : internal;
    uuid7(id);
    if (db_exec(db, PSQL_ORGANISATION_INSERT,
                DB_ARGS(DB_TEXT(id), DB_TEXT(organisation_kind_name(kind)), DB_TEXT(name),
                        DB_TEXT(*uscc       ? "USCC"
                                : *internal ? "INTERNAL"
                                            : ""),
                        DB_TEXT(*identifier ? identifier : NULL), DB_INT(now)),
                NULL, err) != 0)
        return err->code == ERR_CONFLICT ? err_set(err, ERR_EXISTS, "%s: it was taken meanwhile", identifier)
                                         : -1;
    memcpy(ret_id, id, UUID_SIZE);
    return 0;
}

/* What the organisation is called from now on: the USCC given, or the identifier that it has, or a new
 * internal one. */
static int choose_identifier(struct db *db, const char *uscc, struct account_organisation *o, struct err *err)
{
    if (*uscc) {
        if (check_uscc(db, uscc, o->id, err) != 0)
            return -1;
        snprintf(o->identifier_kind, sizeof(o->identifier_kind), "USCC");
        snprintf(o->identifier, sizeof(o->identifier), "%s", uscc);
        return 0;
    }
    if (o->identifier[0])
        return 0;
    if (o->kind == ORGANISATION_ENTERPRISE)
        return err_set(err, ERR_IDENTIFIER, "an enterprise has a unified social credit code");
    snprintf(o->identifier_kind, sizeof(o->identifier_kind), "INTERNAL");
    return make_internal(db, o->identifier, err);
}

int account_organisation_name(struct db *db, const char *id, const char *name, const char *uscc,
                              struct account_organisation *ret, struct err *err)
{
    struct account_organisation o = {0};
    if (plain_text_check(name, ORGANISATION_NAME_MAX, err) != 0)
        return err_prepend(err, "organisation's name");
    if (account_organisation_get(db, id, &o, err) != 0 || choose_identifier(db, uscc, &o, err) != 0)
        return -1;
    snprintf(o.name, sizeof(o.name), "%s", name);
    if (db_exec(db, PSQL_ORGANISATION_NAME,
                DB_ARGS(DB_TEXT(o.id), DB_TEXT(o.name), DB_TEXT(o.identifier_kind), DB_TEXT(o.identifier)),
                NULL, err) != 0)
        return err->code == ERR_CONFLICT
                   ? err_set(err, ERR_EXISTS, "%s: it was taken meanwhile", o.identifier)
                   : -1;
    *ret = o;
    return 0;
}
