/* Foreign bytes as an application: parsed or refused, and what is taken keeps its own rules. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "domain/application.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct application app;
    struct err err = {0};
    if (application_parse(data, size, &app, &err) != 0) {
        if (err.code == ERR_NONE || !err.text[0] || !utf8_valid(err.text, strlen(err.text)))
            abort();
        return 0;
    }
    if (utf8_chars(app.organisation.name) > DN_CHARACTERS_MAX ||
        strlen(app.content_sha256) != SHA256_HEX_SIZE - 1 ||
        strncmp(app.organisation.identifier, "zcy", 3) == 0 !=
            (app.organisation.identifier_kind == IDENTIFIER_INTERNAL))
        abort();
    return 0;
}
