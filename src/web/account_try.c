#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "web/account_web.h"

/* An office shares one address: what is free of it is more, and each day begins anew. */
#define ADDRESS_FREE 30
#define DAY_MS       INT64_C(86400000)

/* Who has an IPv6 network has all of its addresses: its /64 is counted. */
static void network_of(const char *address, char ret[INET6_ADDRSTRLEN])
{
    struct in6_addr in6;
    snprintf(ret, INET6_ADDRSTRLEN, "%s", address);
    if (inet_pton(AF_INET6, address, &in6) != 1 || IN6_IS_ADDR_V4MAPPED(&in6))
        return;
    memset(in6.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &in6, ret, INET6_ADDRSTRLEN);
}

static void name_keys(const struct web_call *c, const char *purpose, const char *subject, struct web_try *t)
{
    char network[INET6_ADDRSTRLEN];
    network_of(c->address, network);
    memset(t, 0, sizeof(*t));
    snprintf(t->address, sizeof(t->address), "%s:address:%s:%lld", purpose, network,
             (long long)(c->now / DAY_MS));
    if (*subject)
        snprintf(t->account, sizeof(t->account), "%s:account:%s", purpose, subject);
}

static int count(struct web_call *c, struct web_try *t, struct err *err)
{
    int64_t account = 0, address = 0;
    if ((t->account[0] && account_throttle_wait(c->db, c->now, t->account, &account, err) != 0) ||
        account_throttle_wait(c->db, c->now, t->address, &address, err) != 0)
        return -1;
    t->wait_ms = account > address ? account : address;
    if (t->wait_ms > 0)
        return 0;
    if (t->account[0] && account_throttle_fail(c->db, c->now, t->account, err) != 0)
        return -1;
    return account_throttle_fail_after(c->db, c->now, t->address, ADDRESS_FREE, err);
}

int web_try_begin(struct web_call *c, const char *purpose, const char *subject, struct web_try *ret,
                  struct err *err)
{
    name_keys(c, purpose, subject, ret);
    if (db_begin(c->db, err) != 0)
        return -1;
    if (count(c, ret, err) == 0 && db_commit(c->db, err) == 0)
        return 0;
    db_rollback(c->db);
    return -1;
}

int web_try_right(struct web_call *c, const struct web_try *t, struct err *err)
{
    if (t->account[0] && account_throttle_clear(c->db, t->account, err) != 0)
        return -1;
    return account_throttle_forgive(c->db, t->address, err);
}

int web_try_later(struct web_call *c, const struct web_try *t, const char *field, struct err *err)
{
    char seconds[24];
    int64_t wait_s = (t->wait_ms + 999) / 1000;
    struct buf sentence;
    buf_init(&sentence);
    snprintf(seconds, sizeof(seconds), "%lld", (long long)wait_s);
    const struct account_word words[] = {{"seconds", seconds}};
    int rc = account_fill(&sentence, text(TEXT_ACCOUNT_LATER, c->lang), words, 1, err);
    if (rc == 0 && buf_cstr(&sentence))
        rc = web_error_text(c, field, buf_cstr(&sentence), err);
    web_retry_after(c, wait_s);
    buf_done(&sentence);
    return rc;
}
