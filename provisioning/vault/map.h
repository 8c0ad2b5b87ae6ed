/* A hash table from SHA-256 digests to borrowed pointers: the vault's index is made of these. */
#ifndef CASTATION_VAULT_MAP_H
#define CASTATION_VAULT_MAP_H

#include "base/hex.h"

struct map_node;
struct map {
    struct map_node **buckets;
    size_t n_buckets, n;
};

void map_done(
    struct map *m); /* a zeroed struct is an empty map; what the pointers point to is the caller's */
void *map_get(const struct map *m, const uint8_t key[SHA256_SIZE]); /* NULL: absent */
int map_put(struct map *m, const uint8_t key[SHA256_SIZE], void *value,
            struct err *err); /* replaces; ERR_MEMORY */

#endif
