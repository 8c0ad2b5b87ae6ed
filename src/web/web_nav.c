/* Which entry of the navigation a page belongs to. */
#include "web/web_request.h"

#define A   ROLE_APPLICANT
#define ALL (ROLE_APPLICANT | ROLE_STAFF)

static const struct {
    enum page_id page, entry;
    unsigned int roles;
} UNDER[] = {
    {PAGE_APPLY, PAGE_CERTIFICATES, A},
    {PAGE_APPLICATION, PAGE_CERTIFICATES, A},
    {PAGE_FORM, PAGE_CERTIFICATES, A},
    {PAGE_MATERIALS, PAGE_CERTIFICATES, A},
    {PAGE_PAYMENT, PAGE_CERTIFICATES, A},
    {PAGE_SUBMITTED, PAGE_CERTIFICATES, A},
    {PAGE_WITHDRAW, PAGE_CERTIFICATES, A},
    {PAGE_CERTIFICATE, PAGE_CERTIFICATES, A},
    {PAGE_APPLICATION, PAGE_APPLICATIONS, ROLE_STAFF},
    {PAGE_CERTIFICATE, PAGE_APPLICATIONS, ROLE_STAFF},
    {PAGE_REVEAL, PAGE_APPLICATIONS, ROLE_STAFF},
    {PAGE_ORDER, PAGE_ORDERS, ROLE_STAFF},
    {PAGE_HANDOVER, PAGE_BENCH, ROLE_STAFF},
    {PAGE_RETRY, PAGE_BENCH, ROLE_STAFF},
    {PAGE_ADMIN_USER, PAGE_ADMIN_USERS, ROLE_STAFF},
    {PAGE_NOTICE, PAGE_NOTICES, ALL},
};

/* A review's is the queue that the application waits in. */
static enum page_id entry_of(const struct web_call *c, enum page_id page)
{
    if (page == PAGE_REVIEW || page == PAGE_PAPER)
        return application_state_from_name(c->application.state) == APPLICATION_FINAL_REVIEW
                   ? PAGE_QUEUE_FINAL
                   : PAGE_QUEUE_FIRST;
    for (size_t i = 0; i < sizeof(UNDER) / sizeof(UNDER[0]); i++)
        if (UNDER[i].page == page && web_is(c, UNDER[i].roles))
            return UNDER[i].entry;
    return page;
}

int web_context_nav(struct web_call *c, struct err *err)
{
    enum page_id page = c->page ? (enum page_id)(c->page - pages) : PAGE_COUNT;
    enum page_id entry = page < PAGE_COUNT ? entry_of(c, page) : PAGE_COUNT;
    if (web_set_text(c, "nav", entry < PAGE_COUNT ? pages[entry].name : "", err) != 0)
        return -1;
    return web_set_text(c, "nav_current", entry == page ? "page" : "true", err);
}
