#include "portal/server_listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "portal/portal_conf.h"

#define BACKLOG 1024

static int open_socket(const struct addrinfo *a, const char *listen_at, int *ret, struct err *err)
{
    int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(err, "%s: socket", listen_at);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        err_sys(err, "%s: cannot listen", listen_at);
        close(fd);
        return -1;
    }
    *ret = fd;
    return 0;
}

int server_listen(const char *listen_at, int *ret_fd, unsigned int *ret_port, struct err *err)
{
    char host[64], port[8];
    struct addrinfo *a = NULL,
                    hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {0};
    socklen_t len = sizeof(at);
    if (portal_conf_address(listen_at, host, sizeof(host), port, err) != 0)
        return -1;
    int rc = getaddrinfo(host, port, &hints, &a);
    if (rc != 0)
        return err_set(err, ERR_CONFIG, "'%s': %s", listen_at, gai_strerror(rc));
    rc = open_socket(a, listen_at, ret_fd, err);
    freeaddrinfo(a);
    if (rc != 0)
        return -1;
    if (getsockname(*ret_fd, &at.any, &len) != 0) {
        err_sys(err, "%s: getsockname", listen_at);
        close(*ret_fd);
        return -1;
    }
    *ret_port = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
    return 0;
}
