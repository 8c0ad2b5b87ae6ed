/* What each verb does; wire/bay_wire.h says it for the asking side. A request is whole and well-formed when
 * it comes here; an error is answered with its code. */
#ifndef CASTATION_DEVICE_HANDLERS_H
#define CASTATION_DEVICE_HANDLERS_H

#include "device/bay.h"

int handle_hello(struct bay *b, const struct bay_hello_req *q, struct bay_hello_rep *r, struct err *err);
int handle_channel(struct bay *b, const struct bay_channel_req *q, int fd, struct err *err); /* takes fd */
void handle_refused_channel(int fd);
int handle_probe(struct bay *b, const struct bay_probe_req *q, struct bay_probe_rep *r, struct err *err);
int handle_init(struct bay *b, const struct bay_init_req *q, struct bay_init_rep *r, struct err *err);
int handle_set_so_pin(struct bay *b, const struct bay_set_so_pin_req *q, struct err *err);
int handle_seal_pin(struct bay *b, const struct bay_seal_pin_req *q, struct bay_seal_pin_rep *r,
                    struct err *err);
int handle_set_user_pin(struct bay *b, const struct bay_set_user_pin_req *q, struct err *err);
int handle_keygen(struct bay *b, const struct bay_keygen_req *q, struct bay_keygen_rep *r, struct err *err);
int handle_csr(struct bay *b, const struct bay_csr_req *q, struct bay_csr_rep *r, struct err *err);
int handle_write(struct bay *b, const struct bay_write_req *q, struct bay_write_rep *r, struct err *err);
int handle_verify(struct bay *b, const struct bay_verify_req *q, struct bay_verify_rep *r, struct err *err);
int handle_wipe(struct bay *b, const struct bay_wipe_req *q, struct bay_wipe_rep *r, struct err *err);

#endif
