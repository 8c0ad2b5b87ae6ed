#include "portal/problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    unsigned int status;
    const char *code, *title;
} PROBLEMS[PROBLEM_COUNT] = {
    [PROBLEM_NONE] = {200, "none", ""},
#define X(id, status, code, title) [id] = {status, code, title},
#include "portal/problem.def"
#undef X
};

unsigned int problem_status(enum problem p)
{
    return PROBLEMS[p].status;
}

const char *problem_code(enum problem p)
{
    return PROBLEMS[p].code;
}

const char *problem_title(enum problem p)
{
    return PROBLEMS[p].title;
}

enum problem problem_of(enum err_code code)
{
    static const struct {
        enum err_code code;
        enum problem problem;
    } MAP[] = {
        {ERR_JSON, PROBLEM_JSON},           {ERR_FIELD, PROBLEM_FIELD},
        {ERR_TOO_LARGE, PROBLEM_TOO_LARGE}, {ERR_NOT_FOUND, PROBLEM_NOT_FOUND},
        {ERR_WRONG_STATE, PROBLEM_STATE},   {ERR_GENERATION, PROBLEM_GENERATION},
        {ERR_LEASE, PROBLEM_LEASE},         {ERR_CONFLICT, PROBLEM_CONFLICT},
        {ERR_DB_BUSY, PROBLEM_BUSY},        {ERR_DISK_FULL, PROBLEM_DISK_FULL},
    };
    for (size_t i = 0; i < sizeof(MAP) / sizeof(MAP[0]); i++)
        if (MAP[i].code == code)
            return MAP[i].problem;
    return PROBLEM_INTERNAL;
}

int problem_json(enum problem p, const char *detail, struct buf *b, struct err *err)
{
    char type[64] = "urn:castation:problem:";
    strncat(type, PROBLEMS[p].code, sizeof(type) - strlen(type) - 1);
    json_t *json = json_pack("{s:s,s:s,s:i,s:s,s:s}", "type", type, "title", PROBLEMS[p].title, "status",
                             (int)PROBLEMS[p].status, "code", PROBLEMS[p].code, "detail", detail);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    int rc = text ? buf_put_str(b, text, err) : err_set(err, ERR_MEMORY, "problem");
    free(text);
    json_decref(json);
    return rc;
}
