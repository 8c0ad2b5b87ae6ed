/* castationd: the station daemon. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/spawn.h"
#include "station/station.h"

static int usage(FILE *to, int code)
{
    fprintf(to, "usage: castationd [-c FILE]\n"
                "The station daemon: claims approved applications and makes tokens of them.\n"
                "  -c FILE   configuration (default " STATION_CONF_DEFAULT ")\n"
                "  -V        version\n");
    return code;
}

int main(int argc, char **argv)
{
    static struct station st;
    struct err err = {0};
    const char *conf = STATION_CONF_DEFAULT;
    int opt = 0;
    while ((opt = getopt(argc, argv, "c:hV")) != -1) {
        if (opt == 'c')
            conf = optarg;
        else if (opt == 'V')
            return printf("castationd %s\n", CASTATION_VERSION) < 0;
        else
            return opt == 'h' ? usage(stdout, 0) : usage(stderr, 2);
    }
    if (optind != argc)
        return usage(stderr, 2);
    log_init("castationd");
    if (spawn_harden(&err) < 0 || station_open(&st, conf, &err) < 0) {
        log_err(&err, "castationd cannot start");
        station_close(&st);
        return err_exit_code(err.code);
    }
    log_info("castationd %s: station %s, %zu bays, portal %s", CASTATION_VERSION, st.conf.name, st.n_bays,
             st.conf.portal.url);
    int rc = station_run(&st, &err);
    if (rc < 0)
        log_err(&err, "castationd ends; its journal tells where to go on when it starts again");
    station_close(&st);
    return rc < 0 ? err_exit_code(err.code) : 0;
}
