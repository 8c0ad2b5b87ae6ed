#!/bin/bash
# No PIN stands anywhere but in letters: in no file of the bench, no log, no command line, no environment.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_BAYS=2
umask 077

# every command line and environment that there is, again and again while the bench works
watch() {
    local pid
    while :; do
        for pid in /proc/[0-9]*; do
            cat "$pid/cmdline" "$pid/environ" 2>/dev/null
        done | tr '\0' '\n' >>"$T/seen"
        sleep 0.02
    done
}
need "the bench is up" bench_up
start watch watch
need "six applications" approve 6
ok "six are made" castation rack feed --count 6
ok "and acknowledged" within 10 deliverable_are 6
mkdir "$T/letters"
printed=0
for serial in $(db "SELECT serial FROM tokens WHERE state = 'deliverable'"); do
    castation letter "$serial" -o "$T/letters/$serial" && printed=$((printed + 1))
    castation token "$serial" --json >>"$T/said"
    castation job "$(token "$serial" .job)" --json >>"$T/said"
done
is "six letters are printed" "$printed" 6
castation status --json >>"$T/said"
stop_all

sed -n 's/^PIN: //p' "$T"/letters/* >"$T/letters/pins"
is "each has a PIN of its own" "$(sort -u "$T/letters/pins" | wc -l)" 6
is "of eight characters or more" "$(grep -c '^[0-9a-z]\{8,\}$' "$T/letters/pins")" 6
cp "$BENCH/secrets/hsm.pin" "$T/letters/hsm"
cat "$BENCH/secrets/hsm.pin" >>"$T/letters/pins"
cat "$BENCH/secrets/hsm.so-pin" >>"$T/letters/pins"

like "the watch has seen the programs" "$(cat "$T/seen")" "castation-bay.*castation-vault|castation-vault.*castation-bay"
ok "what the watch looks for is found where it is" grep -qFf "$T/letters/pins" -r "$T/letters"
is "no PIN stood on a command line or in an environment" "$(grep -cFf "$T/letters/pins" "$T/seen")" 0
# SoftHSM's tokens are encrypted; the HSM's credential is where it belongs
is "none stands in any file but the letters and the HSM's credential" \
    "$(grep -rlaFf "$T/letters/pins" "$T" | grep -vE "^$T/(letters|bench/secrets)/")" ""
is "castation tells none" "$(grep -cFf "$T/letters/pins" "$T/said")" 0
is "letters and credentials are for their owner" "$(find "$T/letters" "$BENCH/secrets" -type f -perm /077 | wc -l)" 0
done_testing
