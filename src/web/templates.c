#include "web/templates.h"

#include <stdlib.h>
#include <string.h>

#include "web/assets.h"

struct templates {
    struct template *list; /* by name */
    size_t n;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct template *)a)->name, ((const struct template *)b)->name);
}

static int compare_name(const void *key, const void *item)
{
    const struct span *name = key;
    const char *other = ((const struct template *)item)->name;
    int order = strncmp(name->s, other, name->len);
    return order != 0 ? order : -(other[name->len] != '\0');
}

const struct template *templates_find(const struct templates *templates, const char *name, size_t len)
{
    const struct span key = {name, len};
    return bsearch(&key, templates->list, templates->n, sizeof(templates->list[0]), compare_name);
}

static int link_partials(const struct templates *all, struct template *t, struct err *err)
{
    for (size_t i = 0; i < t->n_nodes; i++) {
        struct node *n = &t->nodes[i];
        if (n->kind != NODE_PARTIAL)
            continue;
        n->partial = templates_find(all, n->text.s, n->text.len);
        if (!n->partial)
            return err_set(err, ERR_FIELD, "%s.html:%u: there is no template '%.*s'", t->name, n->line,
                           (int)n->text.len, n->text.s);
    }
    return 0;
}

int templates_load(struct templates **ret, struct err *err)
{
    struct templates *all = calloc(1, sizeof(*all));
    size_t n = 0;
    while (assets_template(n))
        n++;
    if (!all || !(all->list = calloc(n + 1, sizeof(*all->list)))) {
        free(all);
        return err_set(err, ERR_MEMORY, "templates");
    }
    for (; all->n < n; all->n++) {
        const struct asset *a = assets_template(all->n);
        if (template_parse(&all->list[all->n], a->name, a->data, a->len, err) != 0) {
            all->n++; /* what there is of it */
            goto fail;
        }
    }
    qsort(all->list, all->n, sizeof(all->list[0]), compare);
    for (size_t i = 0; i < all->n; i++)
        if (link_partials(all, &all->list[i], err) != 0)
            goto fail;
    *ret = all;
    return 0;
fail:
    templates_free(&all);
    return -1;
}

void templates_free(struct templates **templates)
{
    struct templates *all = templates ? *templates : NULL;
    if (!all)
        return;
    for (size_t i = 0; i < all->n; i++)
        template_free(&all->list[i]);
    free(all->list);
    free(all);
    *templates = NULL;
}
