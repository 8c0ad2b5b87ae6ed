/* hello, channel, probe: what a worker is for, and what is in its bay. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device/certs.h"
#include "device/handlers.h"
#include "device/session.h"

/* ---- hello
 * -------------------------------------------------------------------------------------------------------- */

static int set_variable(char *line, struct err *err)
{
    static const char *const OURS[] = {"LD_", "CASTATION_"}; /* not a module's business */
    char *equals = strchr(line, '=');
    bool good = equals && equals != line;
    for (const char *p = line; good && p < equals; p++)
        good = isupper((unsigned char)*p) || *p == '_' || (p > line && isdigit((unsigned char)*p));
    for (size_t i = 0; good && i < COUNT_OF(OURS); i++)
        good = strncmp(line, OURS[i], strlen(OURS[i])) != 0;
    if (!good)
        return err_set(err, ERR_FIELD, "environment: \"%.64s\" is no variable for a module", line);
    *equals = '\0';
    return setenv(line, equals + 1, 1) == 0 ? 0 : err_sys(err, "environment: %s", line);
}

static int set_environment(const char *lines, struct err *err)
{
    char *copy = strdup(lines), *rest = copy, *line;
    int rc = copy ? 0 : err_set(err, ERR_MEMORY, "environment");
    while (rc == 0 && (line = strsep(&rest, "\n")))
        if (line[0] != '\0')
            rc = set_variable(line, err);
    free(copy);
    return rc;
}

static int check_module(const struct bay *b, const char *path, struct err *err)
{
    for (size_t i = 0; i < b->config.modules.n; i++)
        if (strcmp(b->config.modules.items[i], path) == 0)
            return 0;
    return err_set(err, ERR_CONFIG, "module %s is not among `modules` in this worker's configuration", path);
}

int handle_hello(struct bay *b, const struct bay_hello_req *q, struct bay_hello_rep *r, struct err *err)
{
    if (b->module)
        return err_set(err, ERR_WRONG_STATE, "a module is loaded already");
    if (q->protocol != BAY_PROTOCOL)
        return err_set(err, ERR_PROTOCOL, "castationd speaks protocol %u, this worker %d", q->protocol,
                       BAY_PROTOCOL);
    memcpy(b->name, q->bay, sizeof(b->name));
    b->product = product_find(q->product);
    if (!b->product)
        return err_set(err, ERR_CONFIG, "unknown product \"%s\"", q->product);
    if (check_module(b, q->module, err) != 0 || set_environment(q->environment, err) != 0 ||
        module_load(&b->module, q->module, err) != 0)
        return -1;
    struct module_info info;
    if (module_info(b->module, &info, err) != 0) {
        module_free(&b->module);
        return -1;
    }
    memcpy(r->library, info.library, sizeof(r->library));
    memcpy(r->library_version, info.library_version, sizeof(r->library_version));
    memcpy(r->cryptoki_version, info.cryptoki_version, sizeof(r->cryptoki_version));
    return 0;
}

/* ---- channel
 * ------------------------------------------------------------------------------------------------------ */

void handle_refused_channel(int fd)
{
    if (fd >= 0)
        close(fd);
}

int handle_channel(struct bay *b, const struct bay_channel_req *q, int fd, struct err *err)
{
    int type = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET) {
        close(fd);
        return err_set(err, ERR_FIELD, "the descriptor is no channel to the vault");
    }
    if (b->channel >= 0)
        close(b->channel);
    b->channel = fd;
    memcpy(b->job, q->job, sizeof(b->job));
    return 0;
}

/* ---- probe
 * -------------------------------------------------------------------------------------------------------- */

static void describe(const struct token *t, struct bay_probe_rep *r)
{
    const CK_TOKEN_INFO *i = &t->info;
    memcpy(r->serial, t->serial, sizeof(r->serial));
    module_text(i->label, sizeof(i->label), r->label, sizeof(r->label));
    module_text(i->manufacturerID, sizeof(i->manufacturerID), r->manufacturer, sizeof(r->manufacturer));
    module_text(i->model, sizeof(i->model), r->model, sizeof(r->model));
    snprintf(r->firmware, sizeof(r->firmware), "%u.%u", i->firmwareVersion.major, i->firmwareVersion.minor);
    r->flags = (uint32_t)i->flags;
    r->pin_min = (uint32_t)i->ulMinPinLen;
    r->pin_max = (uint32_t)i->ulMaxPinLen;
}

static int count(const struct session *s, const struct token *t, struct bay_probe_rep *r, struct err *err)
{
    size_t all = 0, certificates = 0, public_keys = 0;
    if (objects_count(s, OBJECTS_ANY, &all, err) != 0 ||
        objects_count(s, CKO_CERTIFICATE, &certificates, err) != 0 ||
        objects_count(s, CKO_PUBLIC_KEY, &public_keys, err) != 0)
        return -1;
    r->certificates = (uint32_t)certificates;
    r->public_keys = (uint32_t)public_keys;
    r->blank = all == 0 && !(t->info.flags & CKF_USER_PIN_INITIALIZED);
    return 0;
}

static int read_certificate(const struct session *s, const struct bay_probe_req *q, struct bay_probe_rep *r,
                            struct err *err)
{
    struct buf der;
    buf_init(&der);
    int rc = certs_read(s, q->key_id.data, q->key_id.len, &der, err);
    if (rc == 0 && !bytes_set(r->certificate, der.data, der.len))
        rc = err_set(err, ERR_TOO_LARGE, "its certificate has %zu bytes, at most %d are expected", der.len,
                     CERTIFICATE_MAX);
    buf_done(&der);
    return rc;
}

static int read_spki(const struct session *s, const struct bay_probe_req *q, struct bay_probe_rep *r,
                     struct err *err)
{
    CK_OBJECT_HANDLE public_key;
    size_t n = 0;
    if (objects_find_id(s, CKO_PUBLIC_KEY, q->key_id.data, q->key_id.len, &public_key, 1, &n, err) != 0)
        return err_prepend(err, "public key");
    if (n == 0)
        return 0;
    struct buf spki;
    buf_init(&spki);
    EVP_PKEY *key = NULL;
    int rc = keys_public(s, public_key, &key, err);
    if (rc == 0)
        rc = keys_spki(key, &spki, err);
    if (rc == 0 && !bytes_set(r->spki, spki.data, spki.len))
        rc = err_set(err, ERR_TOO_LARGE, "its public key has %zu bytes, at most %d are expected", spki.len,
                     SPKI_MAX);
    EVP_PKEY_free(key);
    buf_done(&spki);
    return rc;
}

int handle_probe(struct bay *b, const struct bay_probe_req *q, struct bay_probe_rep *r, struct err *err)
{
    if (bay_look(b, q->serial, err) != 0)
        return -1;
    describe(&b->token, r);
    if (session_any(b, err) != 0 || count(&b->session, &b->token, r, err) != 0)
        return -1;
    if (q->key_id.len == 0)
        return 0;
    return read_spki(&b->session, q, r, err) == 0 ? read_certificate(&b->session, q, r, err) : -1;
}
