/* The vault's end of a bay's channel, as far as a bay sees it: answers derive_so_pin from a thread. */
#ifndef CASTATION_TESTS_BAY_VAULT_H
#define CASTATION_TESTS_BAY_VAULT_H

#include "wire/vault_wire.h"

struct bay_vault;

enum bay_vault_mood { VAULT_ANSWERS, VAULT_REFUSES, VAULT_IS_SILENT };

struct bay_vault *bay_vault_new(int *ret_bay_end); /* the caller passes the bay's end on and closes it */
void bay_vault_free(struct bay_vault **v);
void bay_vault_mood(struct bay_vault *v, enum bay_vault_mood mood);
unsigned int bay_vault_asked(struct bay_vault *v); /* how many derivations so far */

/* What it answers for a token: 24 characters. */
void bay_vault_so_pin(const char *product, const char *serial, uint32_t version, char ret[25]);

#endif
