/* The form, section by section. What was typed is saved as it is; what is wrong is said at its field. */
#include <stdio.h>
#include <string.h>

#include "portal/workflow.h"
#include "web/form_view.h"
#include "web/progress.h"
#include "web/staff.h"

static const char *const TEMPLATES[FORM_SECTION_COUNT] = {
    [FORM_ORGANISATION] = "form_organisation",
    [FORM_PEOPLE] = "form_people",
    [FORM_MATERIALS] = "form_materials",
    [FORM_DELIVERY] = "form_delivery",
    [FORM_CHECK] = "form_check",
};

static bool editable(const struct web_call *c)
{
    return strcmp(c->application.state, "draft") == 0 || strcmp(c->application.state, "returned") == 0;
}

static int leave(struct web_call *c, enum text_id said, struct err *err)
{
    if (web_flash(c, said, err) != 0)
        return -1;
    return web_redirect(c, err, "/applications/%s", c->application.id);
}

/* ---- showing ---- */

static int put_links(struct web_call *c, enum form_section s, struct err *err)
{
    char url[120];
    const char *id = c->application.id;
    snprintf(url, sizeof(url), "/applications/%s/form/%s", id, form_section_name(s));
    if (web_set_text(c, "action_url", url, err) != 0)
        return -1;
    snprintf(url, sizeof(url), "/applications/%s/form/%s", id,
             s > 0 ? form_section_name((enum form_section)(s - 1)) : "");
    if (web_set_text(c, "back_url", s > 0 ? url : "", err) != 0)
        return -1;
    snprintf(url, sizeof(url), "/applications/%s/form/%s", id,
             s < FORM_CHECK ? form_section_name((enum form_section)(s + 1)) : "");
    return web_set_text(c, "forward_url", s < FORM_CHECK ? url : "", err);
}

static int show(struct web_call *c, struct form_view *v, unsigned int status, struct err *err)
{
    enum application_state state = application_state_from_name(c->application.state);
    if (web_set_text(c, "id", c->application.id, err) != 0 || web_put_steps(c, state, err) != 0 ||
        put_links(c, v->section, err) != 0 || form_view_put(c, v, err) != 0)
        return -1;
    if (web_set_bool(c, "kept", status == 422 && c->post && v->section != FORM_CHECK, err) != 0)
        return -1;
    if (v->section == FORM_CHECK && form_view_summary(c, v, err) != 0)
        return -1;
    return web_render(c, TEMPLATES[v->section], status, err);
}

/* What was typed when the session ended comes back after the next log-in. */
static int overlay(struct web_call *c, struct form_view *v, struct err *err)
{
    json_t *typed = NULL;
    if (form_view_typed(c, v, &typed, err) != 0)
        return -1;
    int rc = json_object_update(v->form, typed) == 0 ? 0 : err_set(err, ERR_MEMORY, "form");
    json_decref(typed);
    return rc;
}

int form_page(struct web_call *c, enum form_section section, unsigned int status, struct err *err)
{
    struct form_view v = {0};
    if (!editable(c))
        return leave(c, TEXT_FORM_NOT_EDITABLE, err);
    int rc = form_view_init(c, &v, section, err);
    v.strict = section == FORM_CHECK || *web_query(c, "check");
    if (rc == 0)
        rc = overlay(c, &v, err);
    if (rc == 0)
        rc = show(c, &v, status, err);
    form_view_done(&v);
    return rc;
}

int page_form(struct web_call *c, struct err *err)
{
    enum form_section s = form_section_from_name(c->param);
    if (s == FORM_SECTION_COUNT)
        return err_set(err, ERR_NOT_FOUND, "section %s of the form", c->param);
    return form_page(c, s, 200, err);
}

/* ---- saving ---- */

static bool has_errors_here(const struct form_view *v)
{
    const char *key;
    json_t *sentence;
    json_object_foreach(v->errors, key, sentence)
    {
        const struct form_field *field = form_field(key);
        if (field && field->section == v->section)
            return true;
    }
    return false;
}

/* Saved; where to now: on, or here again with what is to be corrected. */
static int go_on(struct web_call *c, struct form_view *v, struct err *err)
{
    const char *go = web_field(c, "go"), *here = form_section_name(v->section);
    bool next = !*go || strcmp(go, "next") == 0, cascade = strcmp(go, "cascade") == 0;
    if (*web_field(c, "autosave"))
        return web_nothing(c, err);
    if (strcmp(go, "back") == 0 && v->section > 0)
        return web_redirect(c, err, "/applications/%s/form/%s", c->application.id,
                            form_section_name((enum form_section)(v->section - 1)));
    if (next) {
        if (form_check(v->form, v->section, &v->world, c->application.id, c->lang, &v->errors, err) != 0)
            return -1;
        bool wrong = has_errors_here(v);
        json_decref(v->errors);
        v->errors = NULL;
        v->strict = true;
        if (wrong)
            return show(c, v, 422, err);
        return web_redirect(c, err, "/applications/%s/form/%s", c->application.id,
                            form_section_name((enum form_section)(v->section + 1)));
    }
    if (!cascade && web_flash(c, TEXT_FORM_SAVED, err) != 0)
        return -1;
    return web_redirect(c, err, "/applications/%s/form/%s%s", c->application.id, here,
                        cascade ? "#region" : "");
}

static int save(struct web_call *c, struct form_view *v, struct err *err)
{
    json_t *changes = NULL;
    if (form_view_typed(c, v, &changes, err) != 0)
        return -1;
    int rc = json_object_size(changes) > 0 ? act_form_save(&c->act, c->application.id, changes, err) : 0;
    if (rc == 0) { /* read anew: the act fills in what the platform gives */
        form_view_done(v);
        rc = form_view_init(c, v, v->section, err);
    }
    if (rc == 0)
        rc = go_on(c, v, err);
    json_decref(changes);
    return rc;
}

/* ---- submitting ---- */

/* What only submitting finds out. */
static const struct {
    enum err_code code;
    enum text_id said;
} REFUSALS[] = {
    {ERR_NOT_FOUND, TEXT_FORM_NO_PRICE},        {ERR_REFUSED, TEXT_FORM_OTHER_FEE},
    {ERR_EXISTS, TEXT_FORM_IDENTIFIER_TAKEN},   {ERR_FIELD, TEXT_FORM_WRONG_DOCUMENT},
    {ERR_IDENTIFIER, TEXT_FORM_WRONG_DOCUMENT},
};

static int submit(struct web_call *c, struct form_view *v, struct err *err)
{
    if (form_check(v->form, FORM_SECTION_COUNT, &v->world, c->application.id, c->lang, &v->errors, err) != 0)
        return -1;
    bool good = json_object_size(v->errors) == 0;
    json_decref(v->errors);
    v->errors = NULL;
    v->strict = true;
    if (!good)
        return show(c, v, 422, err);
    if (act_submit(&c->act, c->application.id, &v->world, err) == 0) {
        struct portal_application now;
        if (portal_application_get(c->db, c->application.id, &now, err) != 0)
            return -1;
        return web_redirect(c, err, "/applications/%s/%s", now.id,
                            strcmp(now.state, "awaiting_payment") == 0 ? "payment" : "submitted");
    }
    if (err->code == ERR_WRONG_STATE || err->code == ERR_CONFLICT)
        return staff_undo(c, err) == 0 ? leave(c, TEXT_FORM_SUBMITTED_ALREADY, err) : -1;
    for (size_t i = 0; i < sizeof(REFUSALS) / sizeof(REFUSALS[0]); i++)
        if (err->code == REFUSALS[i].code)
            return staff_undo(c, err) == 0 && web_error(c, "", REFUSALS[i].said, err) == 0
                       ? show(c, v, 422, err)
                       : -1;
    return -1;
}

int page_form_post(struct web_call *c, struct err *err)
{
    enum form_section s = form_section_from_name(c->param);
    struct form_view v = {0};
    if (s == FORM_SECTION_COUNT)
        return err_set(err, ERR_NOT_FOUND, "section %s of the form", c->param);
    if (!editable(c))
        return leave(c, s == FORM_CHECK ? TEXT_FORM_SUBMITTED_ALREADY : TEXT_FORM_NOT_EDITABLE, err);
    int rc = form_view_init(c, &v, s, err);
    if (rc == 0)
        rc = s == FORM_CHECK ? submit(c, &v, err) : save(c, &v, err);
    form_view_done(&v);
    return rc;
}
