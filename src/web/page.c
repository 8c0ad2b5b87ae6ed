#include "web/page.h"

#include "base/err.h"

const struct page pages[PAGE_COUNT] = {
#define X(name, path, readers, get, writers, post, flags)                                                    \
    [name] = {#name, path, readers, get, writers, post, flags},
#include "web/page.def"
#undef X
};

int page_none(struct web_call *c, struct err *err)
{
    (void)c;
    return err_set(err, ERR_INTERNAL, "a page without this method was run");
}
