/* The clock must not go back: a certificate would begin before one that was made earlier. Nothing is begun,
 * and no serial number reserved, while the clock is behind what the journal has seen. */
#ifndef CASTATION_STATION_CLOCK_GUARD_H
#define CASTATION_STATION_CLOCK_GUARD_H

#include "station/station.h"

int clock_guard_open(struct station *st, struct err *err); /* from the whole journal: at the start */
void clock_guard_see(struct station *st);                  /* now, as an entry is made */
/* Behind by more than a clock is corrected by. */
bool clock_is_back(const struct station *st);
/* 0: said in *ret_detail, and aloud the first time; -1 */
int clock_guard_tell(struct station *st, char ret_detail[160], struct err *err);

#endif
