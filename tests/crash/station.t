#!/bin/bash
# castationd dies at each place of each step; it starts again, the work finishes, and nothing is lost, doubled or forgotten.
# In the sweep (make check-sweep) a second round dies wherever it comes past the same place again, too; then the token may be one of those that are
# quarantined (its SO PIN was changing, and a try of it stands against it already), and the job takes another.
. "$(dirname "$0")/lib.sh"

# POINT
dies_and_goes_on() {
    new_application && plug || return 1
    station_start CASTATION_CRASH="$1"
    is_killed station || return 1
    station_start
    made_on "$TOKEN"
}
dies_or_finishes() { is_dead station || { job_is 'done' && is_settled; }; }
# POINT
dies_twice_and_goes_on() {
    new_application && plug || return 1
    station_start CASTATION_CRASH="$1"
    is_killed station || return 1
    station_start CASTATION_CRASH="$1"
    within 15000 dies_or_finishes || { echo "the second round comes to no end"; return 1; }
    ! is_dead station || is_killed station || return 1
    [ -n "${PIDS[station]-}" ] || station_start
    made
}

# POINT: of the one step of a wipe, whose job is of no application
dies_in_a_wipe() {
    new_application && plug || return 1
    station_start
    made_on "$TOKEN" && stop station
    station_start CASTATION_CRASH="$1"
    within 10000 station_answers || return 1
    castation recycle "$TOKEN"
    is_killed station || return 1
    station_start
    wiped_and_made_again
}

need "the bench is up" crash_up
points=0
for step in $(def_names provisioning/job/steps.def); do
    for place in $(def_names provisioning/job/points.def); do
        point "castationd dies at $step.$place" dies_and_goes_on "$step.$place"
        [ -z "$SWEEP" ] || point "castationd dies at $step.$place, and again" dies_twice_and_goes_on "$step.$place"
        points=$((points + 1))
    done
done
is "each place of each step was gone through" "$points" \
    $(($(grep -c '^X(' "$ROOT/provisioning/job/steps.def") * $(grep -c '^X(' "$ROOT/provisioning/job/points.def")))
for place in $(def_names provisioning/job/points.def); do
    point "castationd dies at initialise.$place of a wipe" dies_in_a_wipe "initialise.$place"
done
station_start
need "castationd is up" within 10000 station_answers
ok "every letter's PIN opens its token, and stands in no file" pins_are_kept
done_testing
