/* A bench of one bay for tests: a real SoftHSM blank made by castation-blank, a real castation-bay spoken to
 * through bay_client, a test CA, and the vault's ends: sealing key and channel. Set-up that fails ends the
 * test program. */
#ifndef CASTATION_TESTS_BAY_RIG_H
#define CASTATION_TESTS_BAY_RIG_H

#include <openssl/x509.h>

#include "bay_vault.h"
#include "wire/bay_client.h"
#include "wire/sealed.h"

#define RIG_JOB        "01234567-89ab-7cde-8f01-23456789abcd"
#define RIG_SO_VERSION 3
#define RIG_MS         60000

struct rig {
    char bin[224], dir[64];
    char token[128], config[128], script[128]; /* paths */
    char serial[SERIAL_SIZE];
    bool fake; /* through libfake_p11.so */
    struct bay_client *bay;
    struct bay_vault *vault;
    int last_status; /* of the worker that ended last, as of waitpid */
    /* what the steps so far gave */
    struct bay_seal_pin_rep sealed;
    struct bay_keygen_rep key;
    struct bay_csr_rep csr;
    uint8_t subject[128];
    size_t subject_len;
    uint8_t certificate[CERTIFICATE_MAX], chain[CERTIFICATE_MAX];
    size_t certificate_len, chain_len;
    uint32_t pin_version;
    int ms;          /* that a step may take */
    bool so_derived; /* set_so_pin is done */
};

void rig_init(struct rig *r); /* a folder and a blank in it; no worker yet */
void rig_init_at(struct rig *r, const char *dir);
void rig_done(struct rig *r);  /* ends the worker, removes the folder */
void rig_close(struct rig *r); /* the same, and leaves the folder */
void rig_blank(struct rig *r, const char *path, char ret_serial[SERIAL_SIZE]); /* another token */
void rig_script(struct rig *r,
                const char *script); /* from the next worker on: the fake module, with these faults */
void rig_pull(struct rig *r);        /* the token's content moved away, as unplugged; and back */
void rig_plug(struct rig *r);

/* One request and its answer, within `ms`. The worker gone: ERR_PEER_GONE, and reaped; over time: killed,
 * reaped, ERR_TIMEOUT. `reply` is initialised by the caller. */
int rig_ask(struct rig *r, struct msg_out *m, int ms, struct msg_in *reply, struct err *err);

/* Start a worker: process, and hello; and with the channel. */
void rig_process(struct rig *r);
int rig_hello(struct rig *r, int ms, struct err *err);
int rig_channel(struct rig *r, struct err *err);
void rig_start(struct rig *r); /* all three, which must succeed */
int rig_end(struct rig *r);    /* closes or kills and reaps; the status as of waitpid */

#define RIG_VERBS(V)                                                                                         \
    V(hello, HELLO)                                                                                          \
    V(probe, PROBE) V(init, INIT) V(seal_pin, SEAL_PIN) V(keygen, KEYGEN) V(csr, CSR) V(write, WRITE)        \
        V(verify, VERIFY) V(wipe, WIPE)
#define V(name, NAME)                                                                                        \
    int rig_ask_##name(struct rig *r, const struct bay_##name##_req *q, struct bay_##name##_rep *p, int ms,  \
                       struct err *err);
RIG_VERBS(V)
#undef V
int rig_ask_set_so_pin(struct rig *r, const struct bay_set_so_pin_req *q, int ms, struct err *err);
int rig_ask_set_user_pin(struct rig *r, const struct bay_set_user_pin_req *q, int ms, struct err *err);

/* The same with the values that making a token takes, one function a step. */
int rig_step_probe(struct rig *r, struct err *err);
int rig_step_init(struct rig *r, struct err *err);
int rig_step_set_so_pin(struct rig *r, struct err *err);
int rig_step_seal_pin(struct rig *r, struct err *err);
int rig_step_set_user_pin(struct rig *r, struct err *err);
int rig_step_keygen(struct rig *r, enum key_type type, struct err *err);
int rig_step_csr(struct rig *r, struct err *err);
int rig_step_write(struct rig *r, struct err *err); /* signs a certificate first */
int rig_step_verify(struct rig *r, struct err *err);
int rig_step_wipe(struct rig *r, struct err *err);
int rig_make(struct rig *r, enum key_type type, struct err *err); /* all up to verify */

/* The test CA signs a certificate over the request, which must verify. */
void rig_issue(struct rig *r, const char *common_name);
size_t rig_subject(const char *common_name, uint8_t *ret, size_t cap); /* DER Name: C=CN, O=测试机构, CN */

/* Open what seal_pin gave. pin: USER_PIN_MAX + 1. -1 when it does not open. */
int rig_unseal(const struct rig *r, struct sealed_pin *ret_who, char *pin);

#define RIG_KEY_ID            "\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x00"
#define rig_text(field, text) snprintf((field), sizeof(field), "%s", (text))

#endif
