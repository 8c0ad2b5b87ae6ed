/* An application's information to take away, and the letter of authorisation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/form.h"
#include "web/export.h"
#include "web/paper.h"
#include "web/staff.h"

static int send(struct web_call *c, const char *media_type, enum text_id what, const char *end,
                const struct buf *out, struct err *err)
{
    char name[160];
    snprintf(name, sizeof(name), "%s%s%s.%s", c->application.id, *c->application.id ? "-" : "",
             text(what, c->lang), end);
    return web_send(c, media_type, name, out->data, out->len, 0, err);
}

/* ---- 导出申领信息 */

static int make_table(struct web_call *c, enum export_format format, const struct export_rows *rows,
                      struct buf *out, struct err *err)
{
    static const unsigned int WIDTHS[] = {34, 70};
    const char *header[] = {text(TEXT_EXPORT_ITEM, c->lang), text(TEXT_EXPORT_VALUE, c->lang)};
    struct export *x = NULL;
    int rc = export_new(&x, format, text(TEXT_EXPORT_SHEET, c->lang), header, WIDTHS, 2, err);
    for (size_t i = 0; rc == 0 && i < rows->n; i++) {
        const char *const cells[] = {rows->rows[i].title[c->lang], rows->rows[i].value};
        rc = export_row(x, cells, err);
    }
    if (rc == 0)
        rc = export_finish(x, out, err);
    export_free(&x);
    return rc;
}

static int make_form(struct web_call *c, const struct export_rows *rows, struct buf *out, struct err *err)
{
    char made[20];
    web_time_text(c->now, made);
    return paper_form(c->application.id, made, rows, out, err);
}

/* What staff take away is written down. */
static int audit_export(struct web_call *c, enum export_sight sight, struct err *err)
{
    static const char *const SEEN[] = {
        [EXPORT_SEES_ALL] = "all", [EXPORT_SEES_DELIVERY] = "delivery", [EXPORT_SEES_MASKED] = "masked"};
    char detail[64];
    if (!web_is(c, ROLE_STAFF))
        return 0;
    snprintf(detail, sizeof(detail), "%.16s, %s", c->param, SEEN[sight]);
    if (db_begin(c->db, err) != 0)
        return -1;
    if (account_audit(c->db, c->now, c->act.who, "export", c->application.id, detail, err) == 0 &&
        db_commit(c->db, err) == 0)
        return 0;
    db_rollback(c->db);
    return -1;
}

int page_export(struct web_call *c, struct err *err)
{
    bool pdf = strcmp(c->param, "pdf") == 0;
    enum export_format format = export_format_from_name(c->param);
    enum export_sight sight = export_sight_of(&c->user);
    struct export_rows *rows = NULL;
    struct buf out;
    if (!pdf && format == EXPORT_FORMAT_COUNT)
        return err_set(err, ERR_NOT_FOUND, "%s", c->param);
    buf_init(&out);
    int rc = audit_export(c, sight, err);
    if (rc == 0)
        rc = export_rows_read(c, sight, pdf ? LANG_ZH : c->lang, &rows, err);
    if (rc == 0)
        rc = pdf ? make_form(c, rows, &out, err) : make_table(c, format, rows, &out, err);
    if (rc == 0)
        rc = send(c, pdf ? "application/pdf" : export_media_type(format), TEXT_DOC_FILE_FORM, c->param, &out,
                  err);
    buf_done(&out);
    free(rows);
    return rc;
}

/* ---- 法人证书业务办理授权委托书 */

int page_authorisation_blank(struct web_call *c, struct err *err)
{
    const struct paper_letter blank = {"", "", "", "", "", "", "", ""};
    struct buf out;
    buf_init(&out);
    int rc = paper_letter(&blank, &out, err);
    if (rc == 0)
        rc = send(c, "application/pdf", TEXT_DOC_FILE_BLANK, "pdf", &out, err);
    buf_done(&out);
    return rc;
}

int page_authorisation(struct web_call *c, struct err *err)
{
    json_t *form = NULL;
    struct buf out;
    char made[20];
    web_time_text(c->now, made);
    buf_init(&out);
    int rc = staff_form(c, &form, err);
    const struct paper_letter letter = {
        .name = form_value(form, "name"),
        .identifier = form_value(form, "identifier"),
        .representative = form_value(form, "legal_representative"),
        .agent = form_value(form, "agent_name"),
        .agent_id = form_value(form, "agent_id_number"),
        .agent_mobile = form_value(form, "agent_mobile"),
        .number = c->application.id,
        .made = made,
    };
    if (rc == 0)
        rc = paper_letter(&letter, &out, err);
    if (rc == 0)
        rc = send(c, "application/pdf", TEXT_DOC_FILE_LETTER, "pdf", &out, err);
    json_decref(form);
    buf_done(&out);
    return rc;
}
