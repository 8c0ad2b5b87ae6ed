/* Administrative divisions: provinces (PP0000), cities (PPCC00), districts (PPCCDD), in one sorted table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/form.h"

#define CODE_LENGTH 6

static const struct region {
    int code;
    const char *name;
} REGIONS[] = {
#define X(code, name) {code, name},
#include "portal/region.def"
#undef X
};
#define N_REGIONS (sizeof(REGIONS) / sizeof(REGIONS[0]))

/* Levels of the national statistics that are no place of their own: "the districts of the municipality", "the
 * counties under the province directly". An address leaves them out. */
static const char *const NO_PLACE[] = {"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"};

static int by_code(const void *a, const void *b)
{
    const struct region *x = a, *y = b;
    return (x->code > y->code) - (x->code < y->code);
}

static const struct region *find(const char *code)
{
    if (strlen(code) != CODE_LENGTH || strspn(code, "0123456789") != CODE_LENGTH)
        return NULL;
    const struct region key = {(int)strtol(code, NULL, 10), NULL};
    return bsearch(&key, REGIONS, N_REGIONS, sizeof(REGIONS[0]), by_code);
}

/* What stands between two divisions of one level: 10000 for provinces, 100 for cities, 1 for districts. */
static int step_of(int code)
{
    return code % 10000 == 0 ? 10000 : code % 100 == 0 ? 100 : 1;
}

/* Is `inner` one level under `outer`? */
static bool directly_under(const struct region *inner, const struct region *outer)
{
    int step = step_of(outer->code);
    return step > 1 && step_of(inner->code) == step / 100 && inner->code / step == outer->code / step;
}

static int put(json_t *list, const struct region *r, struct err *err)
{
    char code[16];
    snprintf(code, sizeof(code), "%06d", r->code % 1000000);
    if (json_array_append_new(list, json_pack("{s:s,s:s}", "code", code, "name", r->name)) != 0)
        return err_set(err, ERR_MEMORY, "list of divisions");
    return 0;
}

int regions_under(const char *code, json_t **ret, struct err *err)
{
    const struct region *outer = *code ? find(code) : NULL;
    json_t *list = json_array();
    if (!list)
        return err_set(err, ERR_MEMORY, "list of divisions");
    for (size_t i = 0; i < N_REGIONS && (outer || !*code); i++) {
        bool wanted = outer ? directly_under(&REGIONS[i], outer) : step_of(REGIONS[i].code) == 10000;
        if (wanted && put(list, &REGIONS[i], err) != 0) {
            json_decref(list);
            return -1;
        }
    }
    *ret = list;
    return 0;
}

bool regions_known(const char *province, const char *city, const char *district)
{
    const struct region *p = find(province), *c = find(city), *d = find(district);
    if (!p || step_of(p->code) != 10000)
        return false;
    if (*city && (!c || !directly_under(c, p)))
        return false;
    return !*district || (c && d && directly_under(d, c));
}

static bool is_place(const char *name)
{
    for (size_t i = 0; i < sizeof(NO_PLACE) / sizeof(NO_PLACE[0]); i++)
        if (strcmp(name, NO_PLACE[i]) == 0)
            return false;
    return true;
}

void regions_name(const char *province, const char *city, const char *district, char ret[128])
{
    const char *const codes[] = {province, city, district};
    size_t used = 0;
    ret[0] = '\0';
    if (!regions_known(province, city, district))
        return;
    for (size_t i = 0; i < 3; i++) {
        const struct region *r = find(codes[i]);
        if (r && is_place(r->name) && used + strlen(r->name) < 128)
            used += (size_t)snprintf(ret + used, 128 - used, "%s", r->name);
    }
}
