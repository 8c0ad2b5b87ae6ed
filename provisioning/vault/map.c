#include "vault/map.h"

#include <stdlib.h>
#include <string.h>

struct map_node {
    struct map_node *next;
    uint8_t key[SHA256_SIZE];
    void *value;
};

/* The key is a digest already: any eight bytes of it are as good as a hash. */
static size_t bucket_of(const uint8_t *key, size_t n_buckets)
{
    uint64_t h;
    memcpy(&h, key, sizeof(h));
    return (size_t)(h % n_buckets);
}

void map_done(struct map *m)
{
    for (size_t i = 0; i < m->n_buckets; i++)
        for (struct map_node *node = m->buckets[i], *next; node; node = next) {
            next = node->next;
            free(node);
        }
    free(m->buckets);
    memset(m, 0, sizeof(*m));
}

static struct map_node *find(const struct map *m, const uint8_t *key)
{
    struct map_node *node = m->n_buckets > 0 ? m->buckets[bucket_of(key, m->n_buckets)] : NULL;
    while (node && memcmp(node->key, key, SHA256_SIZE) != 0)
        node = node->next;
    return node;
}

void *map_get(const struct map *m, const uint8_t key[SHA256_SIZE])
{
    struct map_node *node = find(m, key);
    return node ? node->value : NULL;
}

static int grow(struct map *m, struct err *err)
{
    size_t wider = m->n_buckets > 0 ? 2 * m->n_buckets : 64;
    struct map_node **buckets = calloc(wider, sizeof(struct map_node *));
    if (!buckets)
        return err_set(err, ERR_MEMORY, "an index of %zu", wider);
    for (size_t i = 0; i < m->n_buckets; i++)
        for (struct map_node *node = m->buckets[i], *next; node; node = next) {
            struct map_node **to = &buckets[bucket_of(node->key, wider)];
            next = node->next;
            node->next = *to;
            *to = node;
        }
    free(m->buckets);
    m->buckets = buckets;
    m->n_buckets = wider;
    return 0;
}

int map_put(struct map *m, const uint8_t key[SHA256_SIZE], void *value, struct err *err)
{
    struct map_node *node = find(m, key);
    if (node) {
        node->value = value;
        return 0;
    }
    if (m->n >= m->n_buckets && grow(m, err) != 0)
        return -1;
    node = calloc(1, sizeof(*node));
    if (!node)
        return err_set(err, ERR_MEMORY, "an index entry");
    memcpy(node->key, key, SHA256_SIZE);
    node->value = value;
    struct map_node **to = &m->buckets[bucket_of(key, m->n_buckets)];
    node->next = *to;
    *to = node;
    m->n++;
    return 0;
}
