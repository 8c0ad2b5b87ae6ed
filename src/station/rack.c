/* The virtual rack: a folder whose sub-folders bay-1 … bay-n are SoftHSM tokens.
 *
 * inotify only wakes us and names who left; what is there is always looked up, so lost events (overflow) cost
 * nothing but a look. A place's token is the same as before while its folder is the same inode and did not
 * leave in between; inodes are used again, so after "it left" the inode's ctime, which a rename sets,
 * decides. */
#include "station/arrivals.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define RACK_BAYS_MAX 1024
#define WATCHED                                                                                              \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define PREFIX "bay-"

struct place {
    bool present, left;   /* as of the last look; a leaving was seen since */
    bool pulled, plugged; /* to be told */
    dev_t dev;
    ino_t ino;
    struct timespec ctime;
};

struct rack {
    struct arrivals base; /* first: an arrivals is a rack's beginning */
    int fd;
    char folder[PATH_MAX];
    int bays;
    bool gone, gone_told; /* the rack's own folder */
    struct place places[];
};

static struct rack *of(struct arrivals *a)
{
    return (struct rack *)(void *)a;
}

static int path_of(const struct rack *r, int bay, const char *file, char *dst, size_t cap)
{
    int n = snprintf(dst, cap, "%s/" PREFIX "%d%s", r->folder, bay + 1, file);
    return n < 0 || (size_t)n >= cap ? -1 : 0;
}

/* A token is a folder (no link to one) with its softhsm2.conf in it. */
static bool token_there(const struct rack *r, int bay, struct stat *ret)
{
    char path[PATH_MAX + 64];
    struct stat conf;
    return !r->gone && path_of(r, bay, "", path, sizeof(path)) == 0 && lstat(path, ret) == 0 &&
           S_ISDIR(ret->st_mode) && path_of(r, bay, "/softhsm2.conf", path, sizeof(path)) == 0 &&
           stat(path, &conf) == 0 && S_ISREG(conf.st_mode);
}

static bool same_token(const struct place *p, const struct stat *st)
{
    if (p->dev != st->st_dev || p->ino != st->st_ino)
        return false;
    return !p->left || (p->ctime.tv_sec == st->st_ctim.tv_sec && p->ctime.tv_nsec == st->st_ctim.tv_nsec);
}

static void look(struct rack *r)
{
    for (int i = 0; i < r->bays; i++) {
        struct place *p = &r->places[i];
        struct stat st;
        bool there = token_there(r, i, &st), same = there && p->present && same_token(p, &st);
        p->pulled = p->present && !same;
        p->plugged = there && !same;
        p->present = there;
        p->left = false;
        if (p->plugged) {
            p->dev = st.st_dev;
            p->ino = st.st_ino;
            p->ctime = st.st_ctim;
        }
    }
}

static void mark_left(struct rack *r, const char *name)
{
    for (int i = 0; i < r->bays; i++) {
        char bay[BAY_NAME_SIZE];
        snprintf(bay, sizeof(bay), PREFIX "%d", i + 1);
        if (!name || strcmp(name, bay) == 0)
            r->places[i].left = true;
    }
}

static void note(struct rack *r, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW)
        mark_left(r, NULL); /* anybody may have left unseen */
    else if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
        r->gone = true;
    else if (e->mask & (IN_MOVED_FROM | IN_DELETE) && e->len > 0)
        mark_left(r, e->name);
}

/* Read what inotify has. 1 when there was anything, 0 nothing, -1. */
static int drain(struct rack *r, struct err *err)
{
    union {
        struct inotify_event align;
        char bytes[16384];
    } events;
    int any = 0;
    for (;;) {
        ssize_t n = read(r->fd, events.bytes, sizeof(events.bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return any;
        if (n <= 0)
            return err_sys(err, "rack %s: inotify", r->folder);
        any = 1;
        for (size_t at = 0; at < (size_t)n;) {
            const struct inotify_event *e = (const void *)(events.bytes + at);
            note(r, e);
            at += sizeof(*e) + e->len;
        }
    }
}

/* A pull before the plug that followed it; bay by bay. */
static bool tell(struct rack *r, struct arrival *ret)
{
    for (int i = 0; i < r->bays; i++) {
        struct place *p = &r->places[i];
        if (!p->pulled && !p->plugged)
            continue;
        memset(ret, 0, sizeof(*ret));
        snprintf(ret->bay, sizeof(ret->bay), PREFIX "%d", i + 1);
        if (p->pulled) {
            p->pulled = false;
            return true;
        }
        p->plugged = false;
        ret->plugged = true;
        snprintf(ret->environment, sizeof(ret->environment),
                 "SOFTHSM2_CONF=%.1900s/" PREFIX "%d/softhsm2.conf\n", r->folder, i + 1);
        return true;
    }
    return false;
}

static int rack_fd(const struct arrivals *a)
{
    return ((const struct rack *)(const void *)a)->fd;
}

static int rack_next(struct arrivals *a, struct arrival *ret, struct err *err)
{
    struct rack *r = of(a);
    if (tell(r, ret))
        return 1;
    int got = drain(r, err);
    if (got < 0)
        return -1;
    if (got > 0)
        look(r);
    if (tell(r, ret))
        return 1;
    if (r->gone && !r->gone_told) {
        r->gone_told = true;
        return err_set(err, ERR_NOT_FOUND, "rack %s: its folder is gone; no token is seen until a restart",
                       r->folder);
    }
    return 0;
}

static void rack_free(struct arrivals *a)
{
    struct rack *r = of(a);
    if (r->fd >= 0)
        close(r->fd);
    free(r);
}

static const struct arrivals_ops OPS = {rack_fd, rack_next, rack_free};

int rack_open(struct arrivals **ret, const char *folder, int bays, struct err *err)
{
    if (bays < 1 || bays > RACK_BAYS_MAX)
        return err_set(err, ERR_CONFIG, "rack %s: %d bays; 1 to %d are possible", folder, bays,
                       RACK_BAYS_MAX);
    struct rack *r = calloc(1, sizeof(*r) + (size_t)bays * sizeof(struct place));
    if (!r)
        return err_set(err, ERR_MEMORY, "rack %s", folder);
    struct arrivals *a = &r->base;
    r->base.ops = &OPS;
    r->fd = -1;
    r->bays = bays;
    if (file_mkdir_p(folder, 0700, err) != 0)
        goto fail;
    if (!realpath(folder, r->folder)) {
        err_sys(err, "rack %s", folder);
        goto fail;
    }
    if (strlen(r->folder) > 1900) { /* struct arrival's environment */
        err_set(err, ERR_CONFIG, "rack %s: the folder's path is over 1900 bytes", folder);
        goto fail;
    }
    r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (r->fd < 0 || inotify_add_watch(r->fd, r->folder, WATCHED) < 0) {
        err_sys(err, "rack %s: inotify", folder);
        goto fail;
    }
    look(r); /* after the watch, so that nothing falls between */
    *ret = a;
    return 0;
fail:
    arrivals_free(&a);
    return -1;
}
