/* HTML templates, compiled into the program and parsed once at start, over a jansson context.
 *
 *   {{name}} {{a.b}} {{.}}    the value, escaped; strings and integers only; in text and in double-quoted
 *                             attributes. There is no raw form.
 *   {{t TEXT_ID}}             a text of base/text.def in the reader's language (without its TEXT_)
 *   {{tt name}}               the text whose id is the value (a key that code chose: an unknown one is an error)
 *   {{url name}}              for href, src and action: a path of this site ("/…", not "//…") or https://…
 *   href="/a/{{name}}?b={{c}}"  behind a literal that begins with "/", "?" or "#" (or behind {{url x}}): the
 *                             value, percent-encoded
 *   {{#if name}}…{{else}}…{{/if}}  false: false, null, 0, "", an empty list or object, and a name that is not there
 *   {{#if name = "literal"}}… equal to the literal (text of a string or an integer)
 *   {{#each name}}…{{/each}}  an array; inside, names are looked up in the element first, then outwards;
 *                             {{.}} is the element itself, {{@index}} counts from 0
 *   {{> partial}}             another template, in the same context
 *   {{> partial key="literal" k2=name}}  the same with further names, seen only there; a literal in capitals is a
 *                             text's id
 *   {{! comment}}
 *
 * A block's tag or a comment that has a line to itself leaves no empty line. A name that is not there is an error,
 * but for {{#if}} (so that a misspelt one is found by the first test). What is where it may not be ({{name}} in an
 * unquoted attribute, in a tag's name, in <script> or <style>, in an on… or style attribute; the beginning of
 * href, src, action and formaction without url) is refused when the template is parsed. */
#ifndef CASTATION_WEB_TEMPLATE_H
#define CASTATION_WEB_TEMPLATE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/text.h"

/* One X("name") a template in templates.def: src/web/html/NAME.html. */
struct templates;

/* Parse all. ERR_FIELD naming "login.html:12: …". */
int templates_load(struct templates **ret, struct err *err);
void templates_free(struct templates **templates);

/* Append the page. ERR_FIELD naming template, line and name; ERR_NOT_FOUND: no such template. */
int template_render(const struct templates *templates, const char *name, const json_t *context,
                    enum lang lang, struct buf *out, struct err *err);

/* For tests: one template from memory, without partials. */
int template_render_text(const char *source, const json_t *context, enum lang lang, struct buf *out,
                         struct err *err);

#endif
