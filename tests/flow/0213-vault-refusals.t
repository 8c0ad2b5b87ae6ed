#!/bin/bash
# What the vault does not do, asked over its socket: letters, SO PINs, second certificates, bad manners. (The rules of what
# may be signed are tests/unit/test_vault_check.c.)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vault.sh"
ORG=杭州示例科技有限公司

need "an HSM" vault_new
need "a vault" vault_up
need "a CA" ca_new
need "an application" papers "$T/a" CA-1

# ---- serial numbers and certificates
ok "a serial number" tool reserve "$T/a" job-1 TOKEN-1
first=$OUT
ok "the same job gets it again" tool reserve "$T/a" job-1 TOKEN-1
is "the same" "$OUT" "$first"
exits "another token with this key does not" 4 tool reserve "$T/a" job-1 TOKEN-2
cp -r "$T/a" "$T/b" && tool key "$T/b" P-256
exits "nor another key for the approval" 4 tool reserve "$T/b" job-2 TOKEN-2
like "while the first lives" "$ERR" '^already-signed: '
need "the first is signed" make_certificate "$T/a" job-1 TOKEN-1
one=$(sha256sum <"$T/a/cert.der")
ok "asked again" tool sign "$T/a" job-1 TOKEN-1
is "the very same certificate" "$(sha256sum <"$T/a/cert.der")" "$one"
like "looked up as well" "$(tool lookup "$T/a")" '^signed [0-9a-f]{64}$'
exits "for another job it is not given" 4 tool sign "$T/a" job-2 TOKEN-1
exits "another TBS for its serial number is refused" 4 bash -c "sleep 1; '$BIN/vault_tool' '$RUN/v' build '$T/a' '$ROOT/profiles' && '$BIN/vault_tool' '$RUN/v' sign '$T/a' job-1 TOKEN-1"
like "by its rule" "$ERR" 'one_tbs'
exits "another key is still refused" 4 tool reserve "$T/b" job-2 TOKEN-2
exits "another job cannot void it" 4 tool void "$T/a" job-2
ok "its own can" tool void "$T/a" job-1
is "as a certificate" "$OUT" certificate
ok "twice" tool void "$T/a" job-1
is "counted once" "$(status_of voided)" 1
ok "now another key may have a serial number" tool reserve "$T/b" job-2 TOKEN-2
isnt "another one" "$OUT" "$first"
exits "the voided key never again" 4 tool reserve "$T/a" job-1 TOKEN-1
ok "a reservation is voided too" tool void "$T/b" job-2
is "as one" "$OUT" reservation

# ---- SO PINs
papers "$T/c" CA-2
ok "a registered job derives its token's SO PIN" tool derive "$T/c" make job-3 softhsm TOKEN-3 softhsm TOKEN-3 1 2
is "the same each time" "$(sort -u <<<"$OUT" | wc -l)" 1
pin=$(head -1 <<<"$OUT")
like "in the product's format" "$pin" '^[0-9A-Za-z]{24}$'
exits "of another token it derives none" 4 tool derive "$T/c" make job-3 softhsm TOKEN-3 softhsm TOKEN-4 1 1
exits "nor of another key version" 3 tool derive "$T/c" make job-3 softhsm TOKEN-3 softhsm TOKEN-3 2 1
exits "nor for a product nobody knows" 9 tool derive "$T/c" make job-3 nothing TOKEN-3 nothing TOKEN-3 1 1
exits "nor on the socket" 4 tool ask-socket TOKEN-3
ok "a wipe needs no approval" tool derive "$T/c" wipe job-4 softhsm TOKEN-3 softhsm TOKEN-3 1 1
is "and gets the same" "$OUT" "$pin"
printf x >>"$T/c/approval.sig"
exits "a make does" 4 tool derive "$T/c" make job-5 softhsm TOKEN-3 softhsm TOKEN-3 1 1
like "a true one" "$ERR" '^approval: '
is "the SO PIN is in no file" "$(grep -rlF -- "$pin" "$V" "$T"/*.log | wc -l)" 0

# ---- letters
papers "$T/d" CA-3 && make_certificate "$T/d" job-6 TOKEN-6 >/dev/null
need "a sealed PIN" tool seal "$T/d" job-6 TOKEN-6 1 2468024680
letter() { tool letter "$T/d" "$@"; } # JOB TOKEN VERSION APPLICATION ORGANISATION FILE
exits "not for another job" 4 letter job-7 TOKEN-6 1 CA-3 $ORG "$T/l"
exits "nor another token" 4 letter job-6 TOKEN-7 1 CA-3 $ORG "$T/l"
exits "nor another PIN version" 4 letter job-6 TOKEN-6 2 CA-3 $ORG "$T/l"
exits "nor another application" 4 letter job-6 TOKEN-6 1 CA-2 $ORG "$T/l"
exits "nor another organisation" 4 letter job-6 TOKEN-6 1 CA-3 另一公司 "$T/l"
: >"$T/open" && chmod 644 "$T/open"
exits "nor into a file that others can read" 4 letter job-6 TOKEN-6 1 CA-3 $ORG "$T/open"
is "nothing was written" "$(cat "$T/open" "$T/l" | wc -c)" 0
ok "the right one is printed" letter job-6 TOKEN-6 1 CA-3 $ORG "$T/letter"
like "with its PIN" "$(cat "$T/letter")" $'\nPIN: 2468024680\n'
like "for its organisation" "$(cat "$T/letter")" "$ORG"
exits "once" 4 letter job-6 TOKEN-6 1 CA-3 $ORG "$T/again"
is "and not again" "$(wc -c <"$T/again")" 0
tool seal "$T/d" job-6 TOKEN-6 2 1357913579
cp "$T/d/sealed.bin" "$T/whole"
for bytes in 300 384 500; do # too short; as long as the key is; too long
    head -c $bytes /dev/urandom >"$T/d/sealed.bin"
    exits "$bytes bytes that are no sealed PIN are refused" 4 letter job-6 TOKEN-6 2 CA-3 $ORG "$T/l"
    like "as such" "$ERR" '^letter: '
done
head -c 384 /dev/zero | tr '\0' '\377' >"$T/d/sealed.bin" # more than the modulus
exits "so is a number beyond the key" 4 letter job-6 TOKEN-6 2 CA-3 $ORG "$T/l"
cp "$T/whole" "$T/d/sealed.bin"
ok "a new PIN has its own letter" letter job-6 TOKEN-6 2 CA-3 $ORG "$T/letter2"
is "no PIN is in any other file" "$(grep -rlE '2468024680|1357913579' "$V" "$T/vault.log" "$T/d" | wc -l)" 0

# ---- manners
ok "noise ends the connection" tool nonsense 00
ok "so does another version" tool nonsense 0201000000000001
ok "and a verb there is none of" tool nonsense 01fe000000000001
ok "and a body too short" tool nonsense 010100000000000100
ok "and a body too long" tool nonsense 010100000000000100000001ff
ok "and an answer" tool nonsense 010100010000000100000001
ok "and an unlock with a length beyond its end" tool nonsense 0102000000000001000000ff31
is "the vault lives" "$(status_of state)" ready
is "a flood of connections is bounded" "$(tool flood 40)" 16
is "and forgotten" "$(status_of state)" ready

exits "a second vault on the state folder is refused" 5 "$BIN/castation-vault" -c "$V/vault.conf"
like "as running" "$ERR" '\[running\]'
is "and the first one's socket works" "$(status_of state)" ready
strike vault
ok "killed, its socket stays" test -S "$RUN/v"
need "the next vault replaces it" vault_up
is "and knows everything" "$(status_of signed) $(status_of voided)" "2 2"
exits "also which letters were printed" 4 letter job-6 TOKEN-6 2 CA-3 $ORG "$T/again"
stop vault
ok "and removes it at its end" test ! -e "$RUN/v"

is "every refusal is in the log" "$(grep -c '"type":"refused"' "$V/state/vault.log")" \
    "$(grep -c 'warning: [a-z_]* refused: ' "$T/vault.log")"

# ---- rates
vault_conf "$SOFTHSM" 'so_pin_rate = 3;'
need "a vault with a low rate" vault_up
papers "$T/e" CA-4
exits "more SO PINs a minute than allowed are refused" 4 tool derive "$T/e" make job-8 softhsm T8 softhsm T8 1 4
is "after three" "$(wc -l <<<"$OUT")" 3
like "as too many" "$ERR" '^rate: '
stop vault
done_testing
