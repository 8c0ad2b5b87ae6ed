/* RFC 7512 URIs of an HSM: which module, which token. */
#include "vault/hsm_internal.h"

#include <limits.h>
#include <string.h>

int hsm_uri_parse(const char *text, P11KitUri **ret, struct err *err)
{
    P11KitUri *uri = p11_kit_uri_new();
    if (!uri)
        return err_set(err, ERR_MEMORY, "a PKCS#11 URI");
    const char *wrong = NULL, *module;
    int rc = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    if (rc != P11_KIT_URI_OK)
        wrong = p11_kit_uri_message(rc);
    else if (p11_kit_uri_any_unrecognized(uri))
        wrong = "it has an attribute that is not known";
    else if (p11_kit_uri_get_pin_value(uri) || p11_kit_uri_get_pin_source(uri))
        wrong = "a PIN never stands in the configuration: use hsm_pin_file, a systemd credential, or "
                "castation unlock";
    else if (!(module = p11_kit_uri_get_module_path(uri)) || module[0] != '/' || strlen(module) >= PATH_MAX)
        wrong = "it needs module-path=/absolute/path/of/the/module.so";
    if (wrong) {
        p11_kit_uri_free(uri);
        return err_set(err, ERR_CONFIG, "hsm: not a usable PKCS#11 URI: %s", wrong);
    }
    *ret = uri;
    return 0;
}

int hsm_uri_check(const char *text, char *ret_module, struct err *err)
{
    P11KitUri *uri = NULL;
    if (hsm_uri_parse(text, &uri, err) != 0)
        return -1;
    const char *module = p11_kit_uri_get_module_path(uri);
    memcpy(ret_module, module, strlen(module) + 1); /* hsm_uri_parse: shorter than PATH_MAX */
    p11_kit_uri_free(uri);
    return 0;
}
