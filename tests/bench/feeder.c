/* The hands of the benchmark: plugs blanks that were made beforehand into bays that fall free, as fast as
 * they do. usage: feeder CONTROL_SOCKET RACK BLANKS DONE BAYS COUNT BLANKS holds token folders 0, 1, 2 …;
 * finished ones are moved to DONE. Prints the seconds from the first plug until the last token is
 * deliverable. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/file.h"

#define LOOK_EVERY_US 1000
#define GIVE_UP_MS    600000

static int fail(const struct err *err)
{
    fprintf(stderr, "feeder: %s\n", err->text);
    return 1;
}

/* A SoftHSM token knows its folder by its configuration: written for the place that it goes to. */
static int plug(const char *rack, const char *blanks, long number, long bay, struct err *err)
{
    char from[512], to[512], conf[600], text[700];
    snprintf(from, sizeof from, "%s/%ld", blanks, number);
    snprintf(to, sizeof to, "%s/bay-%ld", rack, bay);
    snprintf(conf, sizeof conf, "%s/softhsm2.conf", from);
    snprintf(text, sizeof text,
             "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", to);
    if (file_replace(conf, text, strlen(text), 0600, err) < 0)
        return -1;
    return rename(from, to) < 0 ? err_sys(err, "%s", to) : 0;
}

static int pull(const char *rack, const char *done, const char *serial, long bay, struct err *err)
{
    char from[512], to[512];
    snprintf(from, sizeof from, "%s/bay-%ld", rack, bay);
    snprintf(to, sizeof to, "%s/%s", done, serial);
    return rename(from, to) < 0 ? err_sys(err, "%s", to) : 0;
}

struct hands {
    const char *rack, *blanks, *done;
    long count, plugged, finished;
};

static int look_after(struct hands *h, json_t *bay, struct err *err)
{
    const char *name = json_str(bay, "bay"), *state = json_str(bay, "state");
    const long number = strtol(name + 4, NULL, 10);
    if (strcmp(state, "refused") == 0)
        return err_set(err, ERR_TOKEN_FAILED, "%s: %s", name, json_str(bay, "detail"));
    if (strcmp(state, "finished") == 0) {
        h->finished++;
        if (pull(h->rack, h->done, json_str(bay, "serial"), number, err) < 0)
            return -1;
    } else if (strcmp(state, "empty") != 0)
        return 0;
    if (h->plugged == h->count || strcmp(state, "finished") == 0)
        return 0; /* the station sees the pull first, and the plug at the next look */
    return plug(h->rack, h->blanks, h->plugged++, number, err);
}

static int64_t deliverable(const char *control, struct err *err)
{
    json_t *status = NULL;
    if (call_json(control, "status", NULL, NULL, 0, clock_mono_ms() + 10000, &status, err) < 0)
        return -1;
    int64_t n = json_int(json_object_get(status, "tokens"), "deliverable");
    json_decref(status);
    return n;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc != 7)
        return 2;
    struct hands h = {
        .rack = argv[2], .blanks = argv[3], .done = argv[4], .count = strtol(argv[6], NULL, 10)};
    const int64_t began = clock_mono_ms();
    while (h.finished < h.count) {
        json_t *answer = NULL;
        if (clock_mono_ms() - began > GIVE_UP_MS)
            return fprintf(stderr, "feeder: %ld of %ld made in %d s\n", h.finished, h.count,
                           GIVE_UP_MS / 1000),
                   1;
        if (call_json(argv[1], "bays", NULL, NULL, 0, clock_mono_ms() + 10000, &answer, &err) < 0)
            return fail(&err);
        size_t i = 0;
        json_t *bay = NULL;
        json_array_foreach(json_object_get(answer, "bays"), i, bay)
        {
            if (look_after(&h, bay, &err) < 0)
                return fail(&err);
        }
        json_decref(answer);
        usleep(LOOK_EVERY_US);
    }
    while (deliverable(argv[1], &err) < h.count && clock_mono_ms() - began < GIVE_UP_MS)
        usleep(LOOK_EVERY_US);
    printf("%.3f\n", (double)(clock_mono_ms() - began) / 1000.0);
    return 0;
}
