/* What the vault itself knows: the time, its CA, and what its log says was reserved and signed. */
#include "vault/check_rules.h"

#include <string.h>

#include "base/clock.h"

#define CLOCK_SLACK_MS (5 * 60 * 1000)

int check_clock_against(const struct index *index, int64_t now_ms, struct err *err)
{
    int64_t last = index_last_at(index);
    if (now_ms >= last - CLOCK_SLACK_MS)
        return 0;
    char now_text[CLOCK_UTC_SIZE], last_text[CLOCK_UTC_SIZE];
    clock_utc_text(now_ms, now_text);
    clock_utc_text(last, last_text);
    return err_set(err, ERR_CLOCK, "the clock says %s, and the vault's log was already at %s", now_text,
                   last_text);
}

int check_clock(struct check *c, struct err *err)
{
    return check_clock_against(c->index, c->now_ms, err);
}

int check_ca_dates(struct check *c, struct err *err)
{
    return ca_check_dates(c->ca, c->now_ms / 1000, err);
}

int check_reserved(struct check *c, struct err *err)
{
    c->reservation = index_by_serial(c->index, c->serial, c->serial_len);
    if (!c->reservation)
        return err_set(err, ERR_RESERVATION, "the serial number was never drawn here");
    return 0;
}

int check_not_void(struct check *c, struct err *err)
{
    return c->reservation->is_void ? err_set(err, ERR_RESERVATION, "the reservation is void") : 0;
}

int check_same_job(struct check *c, struct err *err)
{
    if (strcmp(c->reservation->job, c->req->job) != 0)
        return err_set(err, ERR_RESERVATION, "the serial number was reserved by job %s", c->reservation->job);
    if (strcmp(c->reservation->token, c->req->serial) != 0)
        return err_set(err, ERR_RESERVATION, "the serial number was reserved for token %s",
                       c->reservation->token);
    return 0;
}

int check_one_serial(struct check *c, struct err *err)
{
    const struct reservation *other = index_by_key(c->index, c->spki_sha256);
    if (other && other != c->reservation)
        return err_set(err, ERR_RESERVATION, "this key has another serial number, of job %s", other->job);
    return 0;
}

int check_reserved_key(struct check *c, struct err *err)
{
    if (memcmp(c->reservation->spki_sha256, c->spki_sha256, SHA256_SIZE) != 0)
        return err_set(err, ERR_RESERVATION, "the serial number was reserved for another key");
    return 0;
}

int check_reserved_approval(struct check *c, struct err *err)
{
    if (strcmp(c->reservation->approval, c->approval.id) != 0)
        return err_set(err, ERR_RESERVATION, "the serial number was reserved under approval %s",
                       c->reservation->approval);
    return 0;
}

int check_one_tbs(struct check *c, struct err *err)
{
    if (c->reservation->has_intent && memcmp(c->reservation->tbs_sha256, c->tbs_sha256, SHA256_SIZE) != 0)
        return err_set(err, ERR_RESERVATION, "the serial number has another TBS already");
    return 0;
}

int check_one_certificate(struct check *c, struct err *err)
{
    const struct reservation *other = index_live_of_approval(c->index, c->approval.id);
    if (!other || other == c->reservation)
        other = index_live_of_application(c->index, c->application.id);
    if (other && other != c->reservation)
        return err_set(err, ERR_ALREADY_SIGNED,
                       "application %s has another serial number or certificate, of job %s",
                       c->application.id, other->job);
    return 0;
}
