/* Key types, as they stand on the wire and in the records, and how large the objects about a key may be. */
#ifndef CASTATION_BASE_KEY_TYPE_H
#define CASTATION_BASE_KEY_TYPE_H

enum key_type { KEY_NONE, KEY_P256, KEY_P384, KEY_RSA2048, KEY_RSA3072, KEY_RSA4096, KEY_TYPE_COUNT };
const char *key_type_name(enum key_type t);         /* "P-256", "RSA-2048"; "unknown" when out of range */
enum key_type key_type_from_name(const char *name); /* KEY_NONE when unknown */

/* DER, in bytes. */
#define SPKI_MAX          1024
#define NAME_MAX_DER      1024
#define CSR_MAX           4096
#define TBS_MAX           6144
#define CERTIFICATE_MAX   8192
#define CHAIN_MAX         16384
#define SERIAL_NUMBER_MAX 20 /* RFC 5280 section 4.1.2.2 */

#endif
