#include "web/page_json.h"

#include "web/page.h"

/* Names of roles, or "public", or "user". */
static json_t *who_json(unsigned int who)
{
    json_t *list = json_array();
    if (who & PAGE_PUBLIC)
        json_array_append_new(list, json_string("public"));
    if (who & PAGE_USER)
        json_array_append_new(list, json_string("user"));
    for (unsigned int bit = 1; bit <= ROLE_ADMINISTRATOR; bit <<= 1)
        if (who & bit)
            json_array_append_new(list, json_string(role_name(bit)));
    return list;
}

json_t *pages_json(void)
{
    json_t *list = json_array();
    for (enum page_id i = 0; i < PAGE_COUNT; i++) {
        const struct page *p = &pages[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:b, s:b}", "name", p->name, "path",
                                              p->path, "readers", who_json(p->readers), "writers",
                                              who_json(p->writers), "upload", (p->flags & PAGE_UPLOAD) != 0,
                                              "static", (p->flags & PAGE_STATIC) != 0));
    }
    return list;
}
