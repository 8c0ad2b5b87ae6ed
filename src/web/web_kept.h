/* Forms that came when their session was over: kept in memory for an hour, so that nothing typed is lost.
 * Given back once, to the browser that sent them (it holds a token in a cookie) and to the same account, at
 * the same path. */
#ifndef CASTATION_WEB_WEB_KEPT_H
#define CASTATION_WEB_WEB_KEPT_H

#include "portal/account.h"
#include "portal/server_form.h"

#define KEPT_MS    INT64_C(3600000)
#define KEPT_MAX   500                /* forms */
#define KEPT_BYTES ((size_t)16 << 20) /* of all of them */

struct kept;
int kept_new(struct kept **ret, struct err *err);
void kept_free(struct kept **kept);

/* Takes the form over (leaves it empty). `account` "": not known any more; then whoever logs in there gets
 * it. The oldest go when there are too many. ERR_MEMORY. */
int kept_put(struct kept *kept, int64_t now, const char *path, const char *account, struct server_form *form,
             char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err);
/* False: none, too old, another's, or of another path (then it stays). */
bool kept_take(struct kept *kept, int64_t now, const char *token, const char *path, const char *account,
               struct server_form *ret);

#endif
