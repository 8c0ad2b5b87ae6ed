/* The words of states and steps, out of the tables that define them. */
#include <string.h>

#include "cli/table.h"

struct word {
    const char *name;
    const char *title[LANG_COUNT];
};

static const struct word WORDS[] = {
#define X(state, name, zh, en) {name, {zh, en}},
#include "domain/token_state.def"
#undef X
#define X(state, name, zh, en) {name, {zh, en}},
#include "store/job_state.def"
#undef X
#define X(step, name, zh, en, actor, zone, lease, recovery) {name, {zh, en}},
#include "job/steps.def"
#undef X
    /* bays */
    {"empty", {"空", "empty"}},
    {"idle", {"待用", "idle"}},
    {"working", {"工作中", "working"}},
    {"finished", {"可取出", "finished"}},
    {"refused", {"不可用", "refused"}},
    {"wedged", {"卡死", "wedged"}},
    /* journal */
    {"intent", {"开始", "intent"}},
    {"unknown", {"结果不明", "unknown"}},
    /* letters, services, delivery */
    {"none", {"无", "none"}},
    {"sealed", {"已密封", "sealed"}},
    {"printing", {"打印中断", "printing"}},
    {"printed", {"已打印", "printed"}},
    {"running", {"运行中", "running"}},
    {"stopping", {"正在停止", "stopping"}},
    {"ready", {"就绪", "ready"}},
    {"locked", {"未登录", "locked"}},
    {"no-ca", {"尚无 CA", "no CA yet"}},
    {"ca-expired", {"CA 已过期", "CA expired"}},
    {"mail", {"邮寄", "mail"}},
    {"pickup", {"自取", "pickup"}},
    {"factory", {"出厂", "factory"}},
};

const char *table_word(const char *name, enum lang lang)
{
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
        if (strcmp(WORDS[i].name, name) == 0)
            return WORDS[i].title[lang];
    return name;
}
