/* Materials: uploaded one at a time, listed, shown, removed; and the divisions under a division. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "portal/material.h"
#include "web/form_view.h"
#include "web/staff.h"

/* ---- the list ---- */

static void size_text(int64_t bytes, char ret[24])
{
    if (bytes < 1024 * 1024)
        snprintf(ret, 24, "%" PRId64 " KB", (bytes + 1023) / 1024);
    else
        snprintf(ret, 24, "%" PRId64 ".%" PRId64 " MB", bytes >> 20, (bytes & 0xfffff) * 10 >> 20);
}

static int put_file(struct web_call *c, const json_t *m, json_t *files, struct err *err)
{
    char size[24], added[20];
    size_text(json_integer_value(json_object_get(m, "size")), size);
    web_time_text(json_integer_value(json_object_get(m, "added_at")), added);
    json_t *file =
        json_pack("{s:s,s:s,s:s,s:s,s:b,s:b}", "id", form_value(m, "id"), "name", form_value(m, "name"),
                  "size", size, "added", added, "purged", json_is_true(json_object_get(m, "purged")), "image",
                  strncmp(form_value(m, "media_type"), "image/", 6) == 0);
    if (!file ||
        json_object_set_new(
            file, "file_url",
            json_sprintf("/applications/%s/materials/%s", c->application.id, form_value(m, "id"))) != 0 ||
        json_array_append(files, file) != 0) {
        json_decref(file);
        return err_set(err, ERR_MEMORY, "materials");
    }
    json_decref(file);
    return 0;
}

static int put_kind(struct web_call *c, const struct material_kind *kind, const json_t *list,
                    const json_t *form, const json_t *errors, json_t *kinds, struct err *err)
{
    char key[40];
    const json_t *m;
    json_t *files = json_array();
    int rc = files ? 0 : err_set(err, ERR_MEMORY, "materials");
    for (size_t i = 0; rc == 0 && (m = json_array_get(list, i)); i++)
        if (strcmp(form_value(m, "kind"), kind->name) == 0)
            rc = put_file(c, m, files, err);
    snprintf(key, sizeof(key), "material_%s", kind->name);
    const char *said = form_value(json_object_get(c->ctx, "errors"), key); /* of what was just chosen */
    bool needed = form_needs(kind->required, form);
    if (rc == 0 && (needed || json_array_size(files) > 0) &&
        json_array_append_new(kinds,
                              json_pack("{s:s,s:s,s:s,s:b,s:s,s:O,s:b,s:b}", "kind", kind->name, "title",
                                        kind->title[c->lang], "hint", kind->hint[c->lang], "required", needed,
                                        "error", *said ? said : form_value(errors, key), "files", files,
                                        "is_form", strcmp(kind->name, "application_form") == 0, "is_letter",
                                        strcmp(kind->name, "authorisation") == 0)) != 0)
        rc = err_set(err, ERR_MEMORY, "materials");
    json_decref(files);
    return rc;
}

int form_view_materials(struct web_call *c, const json_t *form, const json_t *errors, struct err *err)
{
    json_t *list = NULL, *kinds = json_array();
    int rc =
        kinds ? material_list(c->db, c->application.id, &list, err) : err_set(err, ERR_MEMORY, "materials");
    for (size_t i = 0; rc == 0 && i < material_n_kinds; i++)
        rc = put_kind(c, &material_kinds[i], list, form, errors, kinds, err);
    json_decref(list);
    if (rc != 0)
        return json_decref(kinds), -1;
    return web_set(c, "kinds", kinds, err);
}

/* ---- uploading and removing ---- */

static const struct {
    enum err_code code;
    enum text_id said;
} REFUSALS[] = {
    {ERR_FIELD, TEXT_MATERIAL_WRONG},
    {ERR_TOO_LARGE, TEXT_MATERIAL_LARGE},
    {ERR_EXISTS, TEXT_MATERIAL_MANY},
};

/* The materials again, with what is wrong at the kind's own place. */
static int refuse(struct web_call *c, const char *kind, enum text_id said, struct err *err)
{
    char field[40];
    snprintf(field, sizeof(field), "material_%.24s", kind);
    if (web_error(c, field, said, err) != 0)
        return -1;
    snprintf(c->param, sizeof(c->param), "%s", form_section_name(FORM_MATERIALS));
    return form_page(c, FORM_MATERIALS, said == TEXT_MATERIAL_LARGE ? 413 : 422, err);
}

static int back(struct web_call *c, enum text_id said, const char *kind, struct err *err)
{
    if (web_flash(c, said, err) != 0)
        return -1;
    return web_redirect(c, err, "/applications/%s/form/materials%s%s", c->application.id,
                        *kind ? "#f-material_" : "", kind);
}

static int not_now(struct web_call *c, struct err *err)
{
    if (web_flash(c, TEXT_FORM_NOT_EDITABLE, err) != 0)
        return -1;
    return web_redirect(c, err, "/applications/%s", c->application.id);
}

/* What the file is may take a second to find out: that comes before the transaction, for which others wait.
 */
static int keep(struct web_call *c, const struct material_kind *kind, const struct web_file *file,
                struct err *err)
{
    struct material_file looked;
    char id[UUID_SIZE];
    if (material_look(file->data, file->len, &looked, err) != 0 || db_begin(c->db, err) != 0)
        return -1;
    if (material_add(&c->act, c->application.id, kind->name, file->name, &looked, id, err) == 0 &&
        db_commit(c->db, err) == 0)
        return 0;
    db_rollback(c->db);
    return -1;
}

int page_material_post(struct web_call *c, struct err *err)
{
    const struct web_file *file = web_file(c, "file");
    const struct material_kind *kind = material_kind(web_field(c, "kind"));
    if (!kind)
        return refuse(c, "licence", TEXT_MATERIAL_KIND, err);
    if (!file || file->len == 0)
        return refuse(c, kind->name, TEXT_MATERIAL_NO_FILE, err);
    if (keep(c, kind, file, err) == 0)
        return back(c, TEXT_MATERIAL_ADDED, kind->name, err);
    if (err->code == ERR_WRONG_STATE)
        return not_now(c, err);
    for (size_t i = 0; i < sizeof(REFUSALS) / sizeof(REFUSALS[0]); i++)
        if (err->code == REFUSALS[i].code)
            return refuse(c, kind->name, REFUSALS[i].said, err);
    return -1;
}

int page_material_remove_post(struct web_call *c, struct err *err)
{
    if (material_remove(&c->act, c->application.id, c->param, err) == 0)
        return back(c, TEXT_MATERIAL_REMOVED, "", err);
    return err->code == ERR_WRONG_STATE && staff_undo(c, err) == 0 ? not_now(c, err) : -1;
}

/* ---- showing one ---- */

int page_material(struct web_call *c, struct err *err)
{
    struct material m;
    struct buf content;
    buf_init(&content);
    int rc = material_get(c->db, c->application.id, c->param, &m, &content, err);
    if (rc == 0 && m.purged_at != 0)
        rc = err_set(err, ERR_NOT_FOUND, "material %s: its content was purged", m.id);
    if (rc == 0 && web_is(c, ROLE_STAFF))
        rc = account_audit(c->db, c->now, c->act.who, "material", c->application.id, m.kind, err);
    if (rc == 0)
        rc = web_send(c, m.media_type, NULL, content.data, content.len, WEB_SEND_FOREIGN, err);
    buf_done(&content);
    return rc;
}

/* ---- divisions, for the cascade ---- */

int page_regions(struct web_call *c, struct err *err)
{
    static const char *const LEVELS[] = {"province", "city", "district"};
    const char *prefix = strcmp(web_query(c, "prefix"), "delivery") == 0 ? "delivery" : "authority";
    const char *chosen[3] = {"", "", ""};
    char keys[3][40];
    for (size_t i = 0; i < 3; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%s_%s", prefix, LEVELS[i]);
        chosen[i] = web_query(c, keys[i]);
    }
    if (!regions_known(chosen[0], chosen[1], ""))
        chosen[1] = "";
    if (!regions_known(chosen[0], chosen[1], chosen[2]))
        chosen[2] = "";
    if (!regions_known(chosen[0], "", ""))
        chosen[0] = "";
    json_t *values = json_pack("{s:s,s:s,s:s}", keys[0], chosen[0], keys[1], chosen[1], keys[2], chosen[2]);
    int rc =
        values ? form_view_region(c, "regions", prefix, values, err) : err_set(err, ERR_MEMORY, "divisions");
    json_decref(values);
    return rc == 0 ? web_render(c, "regions", 200, err) : -1;
}
