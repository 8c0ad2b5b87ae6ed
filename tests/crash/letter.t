#!/bin/bash
# castationd dies between "printing" and the vault's answer: the letter is never printed again, and that is said aloud.
. "$(dirname "$0")/lib.sh"

need "the bench is up" crash_up
prepared() { new_application && plug; }
need "an application and a token" prepared
station_start CASTATION_CRASH=letter.after_intent
need "the token is made" made
is "its letter is sealed" "$(db "SELECT letter FROM tokens WHERE serial = '$TOKEN'")" sealed

nok "castationd dies while a letter is asked for" castation letter "$TOKEN" -o "$T/letter"
ok "there, and of SIGKILL" is_killed station
is "the letter is in printing" "$(db "SELECT letter FROM tokens WHERE serial = '$TOKEN'")" printing

alerts() { castation status --json | jq -r --arg t "$TOKEN" '[.alerts[] | select(.code == "letter-unknown" and (.text | contains($t)))] | length'; }
for time in first second; do
    station_start
    need "castationd is up again, the $time time" within 10000 castation status
    exits "the letter is not printed, the $time time" 4 castation letter "$TOKEN" -o "$T/again"
    like "for that reason" "$ERR" "new PIN"
    nok "and nothing is written" test -s "$T/again"
    is "it is said aloud, once" "$(alerts)" 1
    stop station
done
ok "the invariants hold" invariants_hold
done_testing
