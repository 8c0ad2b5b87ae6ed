#include "web/web_kept.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "portal/account_row.h"
#include "web/web_token.h"

struct kept_form {
    struct kept_form *next; /* older */
    char token[ACCOUNT_TOKEN_SIZE], account[UUID_SIZE];
    char *path;
    int64_t at;
    size_t bytes;
    struct server_form form;
};

struct kept {
    pthread_mutex_t lock;
    struct kept_form *newest;
};

static void free_form(struct kept_form *f)
{
    server_form_free(&f->form);
    free(f->path);
    free(f);
}

static void free_from(struct kept_form **link)
{
    while (*link) {
        struct kept_form *f = *link;
        *link = f->next;
        free_form(f);
    }
}

int kept_new(struct kept **ret, struct err *err)
{
    *ret = calloc(1, sizeof(**ret));
    if (!*ret)
        return err_set(err, ERR_MEMORY, "kept forms");
    pthread_mutex_init(&(*ret)->lock, NULL);
    return 0;
}

void kept_free(struct kept **kept)
{
    if (!kept || !*kept)
        return;
    free_from(&(*kept)->newest);
    pthread_mutex_destroy(&(*kept)->lock);
    free(*kept);
    *kept = NULL;
}

static size_t size_of(const struct server_form *form)
{
    size_t size = sizeof(struct kept_form) + SERVER_FORM_FIELDS_MAX * sizeof(struct server_field);
    for (size_t i = 0; i < form->n; i++)
        size += strlen(form->fields[i].name) + form->fields[i].value.cap;
    return size;
}

/* Newest first: behind the first that is too old, or one too many, there is none to keep. */
static void drop_old(struct kept *k, int64_t now)
{
    size_t n = 0, bytes = 0;
    struct kept_form **link = &k->newest;
    for (; *link; link = &(*link)->next) {
        bytes += (*link)->bytes;
        if (++n > KEPT_MAX || bytes > KEPT_BYTES || (*link)->at + KEPT_MS < now)
            break;
    }
    free_from(link);
}

int kept_put(struct kept *k, int64_t now, const char *path, const char *account, struct server_form *form,
             char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    char hash[SHA256_HEX_SIZE];
    struct kept_form *f = calloc(1, sizeof(*f));
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return err_set(err, ERR_MEMORY, "kept form");
    }
    account_token_new(f->token, hash);
    strncat(f->account, account, sizeof(f->account) - 1);
    f->at = now;
    f->bytes = size_of(form);
    f->form = *form;
    memset(form, 0, sizeof(*form));
    memcpy(ret_token, f->token, sizeof(f->token));
    pthread_mutex_lock(&k->lock);
    f->next = k->newest;
    k->newest = f;
    drop_old(k, now);
    pthread_mutex_unlock(&k->lock);
    return 0;
}

static bool is_it(const struct kept_form *f, const char *token, const char *path, const char *account)
{
    return strlen(token) == sizeof(f->token) - 1 && web_same(f->token, token, sizeof(f->token) - 1) &&
           strcmp(f->path, path) == 0 && (!*f->account || strcmp(f->account, account) == 0);
}

bool kept_take(struct kept *k, int64_t now, const char *token, const char *path, const char *account,
               struct server_form *ret)
{
    struct kept_form *found = NULL;
    pthread_mutex_lock(&k->lock);
    drop_old(k, now);
    for (struct kept_form **link = &k->newest; *link; link = &(*link)->next)
        if (is_it(*link, token, path, account)) {
            found = *link;
            *link = found->next;
            break;
        }
    pthread_mutex_unlock(&k->lock);
    if (!found)
        return false;
    *ret = found->form;
    memset(&found->form, 0, sizeof(found->form));
    free_form(found);
    return true;
}
