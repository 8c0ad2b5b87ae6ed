#include "vault/check.h"

#include <string.h>

#include <openssl/err.h>

#include "vault/check_rules.h"

static const struct {
    const char *name;
    int (*function)(struct check *c, struct err *err);
} rules[] = {
#define RULE(name, what) {#name, check_##name},
    CHECK_RULES(RULE)
#undef RULE
};

const char *check_rule_name(size_t i)
{
    return i < sizeof(rules) / sizeof(rules[0]) ? rules[i].name : NULL;
}

int check_run(struct check *c, const char **ret_rule, struct err *err)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].function(c, err) != 0) {
            ERR_clear_error();
            *ret_rule = rules[i].name;
            return err_prepend(err, "the vault refuses (%s)", rules[i].name);
        }
    ERR_clear_error(); /* looking for an extension that is not there leaves a note behind */
    return 0;
}

void check_done(struct check *c)
{
    X509_free(c->cert);
    X509_REQ_free(c->csr);
    c->cert = NULL;
    c->csr = NULL;
}
