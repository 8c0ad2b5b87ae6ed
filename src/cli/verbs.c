#include "cli/verbs.h"

#include <string.h>

const struct verb verbs[] = {
#define X(name, function, arguments, reading, zh, en) {name, function, arguments, reading, {zh, en}},
#include "cli/verbs.def"
#undef X
};
const size_t n_verbs = sizeof(verbs) / sizeof(verbs[0]);

/* How many of argv's words are the name's; 0 when they are not. */
static int matches(const char *name, int argc, char **argv)
{
    int words = 0;
    for (;;) {
        size_t len = strcspn(name, " ");
        if (words == argc || strlen(argv[words]) != len || strncmp(argv[words], name, len) != 0)
            return 0;
        words++;
        if (name[len] == '\0')
            return words;
        name += len + 1;
    }
}

const struct verb *verb_find(int argc, char **argv, int *ret_words)
{
    const struct verb *found = NULL;
    *ret_words = 0;
    for (size_t i = 0; i < n_verbs; i++) {
        int words = matches(verbs[i].name, argc, argv);
        if (words > *ret_words) {
            *ret_words = words;
            found = &verbs[i];
        }
    }
    return found;
}
