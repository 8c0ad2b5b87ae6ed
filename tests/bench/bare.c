/* The floor of the pages: what libmicrohttpd serves with a handler that does nothing but answer, with as many
 * threads as caportald's pages have. usage: bare THREADS FILE   Prints the port, then serves FILE to
 * everybody until SIGTERM.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

static struct buf body;

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data, size_t *len,
                              void **state)
{
    (void)cls, (void)url, (void)method, (void)version, (void)data;
    *len = 0;
    if (!*state) {
        *state = &body;
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, body.data, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

int main(int argc, char **argv)
{
    struct err err;
    const struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sigset_t ends;
    int got;
    unsigned int threads = argc == 3 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0;
    if (threads == 0)
        return fprintf(stderr, "usage: bare THREADS FILE\n"), 2;
    buf_init(&body);
    if (file_read(argv[2], 1 << 20, &body, &err) != 0)
        return fprintf(stderr, "bare: %s\n", err.text), 1;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR,
                         &loopback, MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info)
        return fprintf(stderr, "bare: libmicrohttpd does not start\n"), 1;
    printf("%u\n", (unsigned int)info->port);
    fflush(stdout);
    sigwait(&ends, &got);
    MHD_stop_daemon(daemon);
    buf_done(&body);
    return 0;
}
