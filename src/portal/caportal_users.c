/* user list. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "portal/account.h"
#include "portal/caportal.h"

#define AT_ONCE 100

struct listing {
    json_t *list; /* NULL: for people */
    char last[ACCOUNT_EMAIL_MAX + 1];
    int64_t n;
};

static const char *standing(const struct account_user *u)
{
    return u->disabled ? "disabled" : !u->email_checked ? "unconfirmed" : "active";
}

static json_t *role_names(unsigned int roles)
{
    json_t *names = json_array();
    for (unsigned int bit = 1; names && bit <= ROLE_ADMINISTRATOR; bit <<= 1)
        if (roles & bit)
            json_array_append_new(names, json_string(role_name(bit)));
    return names;
}

static void print_user(const struct account_user *u)
{
    printf("%-32s %-11s %-5s", u->email, standing(u), u->has_totp ? "totp" : "-");
    for (unsigned int bit = 1; bit <= ROLE_ADMINISTRATOR; bit <<= 1)
        if (u->roles & bit)
            printf(" %s", role_name(bit));
    printf("  %s\n", u->name);
}

static int put_user(const struct account_user *u, void *arg, struct err *err)
{
    struct listing *l = arg;
    char created[CLOCK_UTC_SIZE], login[CLOCK_UTC_SIZE] = "";
    snprintf(l->last, sizeof(l->last), "%s", u->email);
    l->n++;
    if (!l->list) {
        print_user(u);
        return 0;
    }
    clock_utc_text(u->created_at, created);
    if (u->last_login_at)
        clock_utc_text(u->last_login_at, login);
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:b,s:s,s:s}", "id", u->id, "email", u->email, "name",
                          u->name, "organisation", u->organisation, "roles", role_names(u->roles), "state",
                          standing(u), "totp", u->has_totp, "created_at", created, "last_login_at", login);
    return json_array_append_new(l->list, o) == 0 ? 0 : err_set(err, ERR_MEMORY, "users");
}

int caportal_user_list(struct caportal *c, struct err *err)
{
    struct listing l = {.list = c->given & OPTION_JSON ? json_array() : NULL};
    struct db *db = NULL;
    int rc = caportal_db(c, &db, err);
    do {
        l.n = 0;
        if (rc == 0)
            rc = account_list_all(db, l.last, AT_ONCE, put_user, &l, err);
    } while (rc == 0 && l.n == AT_ONCE);
    db_close(&db);
    if (rc == 0 && l.list)
        return caportal_print_json(l.list, err);
    json_decref(l.list);
    return rc;
}
