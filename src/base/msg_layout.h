/* What msg.c and msg_io.c share and nobody else needs. */
#ifndef CASTATION_BASE_MSG_LAYOUT_H
#define CASTATION_BASE_MSG_LAYOUT_H

#include "base/msg.h"

/* Close what was not taken, forget the message, keep the memory. */
void msg_in_reset(struct msg_in *m);

/* Read the header off the bytes in m->buf. ERR_PROTOCOL: too short, another version. */
int msg_in_header(struct msg_in *m, struct err *err);

#endif
