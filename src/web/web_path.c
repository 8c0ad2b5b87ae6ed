#include <string.h>

#include "web/web_request.h"

/* What a parameter may hold: RFC 3986's unreserved characters, so that there is one spelling of each path. */
static size_t word_len(const char *path)
{
    return strspn(path, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._~-");
}

static bool keep_word(char *ret, size_t cap, const char *word, size_t len)
{
    if (len == 0 || len >= cap)
        return false;
    memcpy(ret, word, len);
    ret[len] = '\0';
    return true;
}

static bool matches(const char *pattern, const char *path, char application[41],
                    char param[WEB_PARAM_MAX + 1])
{
    *application = *param = '\0';
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        bool is_application = strncmp(pattern, "{application}", 13) == 0;
        size_t len = word_len(path);
        if (!(is_application ? keep_word(application, 41, path, len)
                             : keep_word(param, WEB_PARAM_MAX + 1, path, len)))
            return false;
        path += len;
        pattern = strchr(pattern, '}') + 1;
    }
    return *path == '\0';
}

enum page_id web_find_page(const char *path, char ret_application[41], char ret_param[WEB_PARAM_MAX + 1])
{
    for (enum page_id i = 0; i < PAGE_COUNT; i++)
        if (matches(pages[i].path, path, ret_application, ret_param))
            return i;
    *ret_application = *ret_param = '\0';
    return PAGE_COUNT;
}

bool web_path_ok(const char *path)
{
    if (path[0] != '/' || path[1] == '/' || path[1] == '\\' || strlen(path) > 2000)
        return false;
    for (; *path; path++)
        if ((unsigned char)*path <= ' ' || (unsigned char)*path >= 0x7f || *path == '\\')
            return false;
    return true;
}
