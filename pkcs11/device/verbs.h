/* The bay's verbs: one request in, one answer out. */
#ifndef CASTATION_DEVICE_VERBS_H
#define CASTATION_DEVICE_VERBS_H

#include "device/bay.h"

/* Do what `request` asks and build the answer in `answer`, a result or an error, to be sent. -1 when the
 * request broke the protocol: nothing was done, there is no answer, and the worker must end. */
int verbs_serve(struct bay *b, struct msg_in *request, struct msg_out *answer, struct err *err);

#endif
