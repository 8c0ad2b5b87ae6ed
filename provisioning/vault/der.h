/* Writing the few DER headers (X.690 8.1) that no library has to be asked for. */
#ifndef CASTATION_VAULT_DER_H
#define CASTATION_VAULT_DER_H

#include "base/buf.h"

#define DER_SEQUENCE   0x30
#define DER_BIT_STRING 0x03

/* Append identifier octet and definite length in its shortest form; content of `len` bytes is to follow. */
int der_put_header(struct buf *b, uint8_t tag, size_t len, struct err *err);

#endif
