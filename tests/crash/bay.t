#!/bin/bash
# The worker in a bay dies before and after each verb; castationd lives on, and the work finishes on the same token.
. "$(dirname "$0")/lib.sh"

log_length() { wc -c <"$T/station.log"; }
# OFFSET: since then castationd has said that a worker was killed, and it was not castationd who did it
worker_was_killed() { tail -c "+$(($1 + 1))" "$T/station.log" | grep -q 'the worker ended: signal 9'; }
# The station that was started is still the same process.
lives_on() { alive station || { echo "castationd did not live on"; return 1; }; }

# POINT
dies_and_is_replaced() {
    local before
    new_application && plug || return 1
    before=$(log_length)
    station_start CASTATION_CRASH="$1"
    made || return 1
    within 5000 worker_was_killed "$before" || { echo "no worker was killed: the point was not reached"; return 1; }
    lives_on && made_on "$TOKEN"
}

# POINT: in the wipe of a token that was made
dies_in_a_wipe() {
    local before
    new_application && plug || return 1
    before=$(log_length)
    station_start CASTATION_CRASH="$1"
    made && castation recycle "$TOKEN" || return 1
    wiped_and_made_again || return 1
    worker_was_killed "$before" || { echo "no worker was killed: the point was not reached"; return 1; }
    lives_on
}

need "the bench is up" crash_up
points=0
for verb in $(bay_verbs); do
    for place in before after; do
        case $verb in
        wipe) point "the worker dies $place $verb" dies_in_a_wipe "bay.$verb.$place" ;;
        *) point "the worker dies $place $verb" dies_and_is_replaced "bay.$verb.$place" ;;
        esac
        points=$((points + 1))
    done
done
is "each verb was gone through" "$points" $((2 * $(grep -cE '^ *V\([A-Z_]+, ' "$ROOT/pkcs11/wire/bay_wire.h")))
done_testing
