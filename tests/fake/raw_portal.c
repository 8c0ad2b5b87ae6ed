/* raw_portal FOLDER CERTIFICATE KEY [PORT]: a TLS server that answers every request with the bytes of
 * FOLDER/answer, whatever they are, after FOLDER/delay milliseconds, and closes. FOLDER/port tells where it
 * listens, FOLDER/requests counts the requests. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define ANSWER_MAX (32u << 20)

static const char *folder;
static unsigned long requests;

static void __attribute__((noreturn)) refuse(const char *why)
{
    fprintf(stderr, "raw_portal: %s\n", why);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static FILE *open_file(const char *name, const char *mode)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return fopen(path, mode);
}

/* In one rename, so that nobody reads half a number. */
static void tell(const char *name, unsigned long value)
{
    char path[512], whole[520];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(whole, sizeof(whole), "%s.new", path);
    FILE *out = fopen(whole, "we");
    if (!out || fprintf(out, "%lu\n", value) < 0 || fclose(out) != 0 || rename(whole, path) != 0)
        refuse(path);
}

static void wait_delay(void)
{
    unsigned long ms = 0;
    FILE *in = open_file("delay", "re");
    if (in && fscanf(in, "%lu", &ms) != 1)
        ms = 0;
    if (in)
        fclose(in);
    const struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Head and body: what is left unread would turn the close into a reset, and the answer with it. */
static void read_request(SSL *tls)
{
    static char text[1 << 17];
    size_t len = 0, body = 0;
    const char *head_end = NULL;
    while (len < sizeof(text) - 1) {
        int n = SSL_read(tls, text + len, (int)(sizeof(text) - 1 - len));
        if (n <= 0)
            return;
        len += (size_t)n;
        text[len] = '\0';
        head_end = strstr(text, "\r\n\r\n");
        const char *length = strstr(text, "Content-Length: ");
        if (head_end && length)
            body = strtoul(length + 16, NULL, 10);
        if (head_end && len >= (size_t)(head_end - text) + 4 + body)
            return;
    }
}

static void answer(SSL *tls)
{
    FILE *in = open_file("answer", "re");
    char *text = malloc(ANSWER_MAX);
    size_t len = in && text ? fread(text, 1, ANSWER_MAX, in) : 0;
    if (len > 0)
        SSL_write(tls, text, (int)len);
    if (in)
        fclose(in);
    free(text);
}

static void serve(SSL_CTX *ctx, int fd)
{
    SSL *tls = SSL_new(ctx);
    const struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (tls && SSL_set_fd(tls, fd) == 1 && SSL_accept(tls) == 1) {
        read_request(tls);
        tell("requests", ++requests);
        wait_delay();
        answer(tls);
        SSL_shutdown(tls);
    }
    ERR_clear_error();
    SSL_free(tls);
    close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    const int on = 1;
    if (argc != 4 && argc != 5)
        refuse("usage: raw_portal FOLDER CERTIFICATE KEY [PORT]");
    folder = argv[1];
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx || SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) != 1)
        refuse("certificate or key");
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_port = htons(argc == 5 ? (unsigned short)strtoul(argv[4], NULL, 10) : 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0)
        refuse("cannot listen");
    tell("port", ntohs(at.sin_port));
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0)
            serve(ctx, fd);
    }
}
