#!/bin/bash
# The command line against a whole bench: what it shows, what it refuses and how it says so.
# shellcheck disable=SC2317 # functions that ok and exits call
# shellcheck source=tests/flow/lib.sh
. "$(dirname "$0")/lib.sh"
C=$BIN/castation

# ---- with nothing running -------------------------------------------------------------------------------------------
exits "an unknown verb is a usage error" 2 "$C" frob
like "and usage lists the verbs" "$ERR" "stock add .*rack feed .*audit verify"
exits "so is a missing argument" 2 "$C" token
like "and tells what that verb takes" "$ERR" "usage: castation .*token SERIAL"
exits "and --json with a verb that acts" 2 "$C" --json retry x
ok "help is in Chinese when asked" "$C" --lang zh help "stock" add
like "with the Chinese description" "$OUT" "入库"
exits "a configuration that is not there is named" 3 "$C" -c "$T/none.conf" status
like "by its path" "$ERR" "$T/none.conf"
bench_folders
bench_write_bay_conf
bench_write_station_conf s1
exits "castationd that does not run is unreachable" 5 castation status
like "and its socket is named" "$ERR" "$RUN/control"
LANG=zh_CN.UTF-8 LC_ALL='' exits "errors follow the locale" 5 "$C" -c "$BENCH/etc/station.conf" status
like "in Chinese" "$ERR" "无法连接"
sed 's/^name/nmae/' "$BENCH/etc/station.conf" >"$T/typo.conf"
exits "an unknown key is a configuration error" 7 "$C" -c "$T/typo.conf" status
like "with file and line" "$ERR" "typo.conf:1: nmae"

# ---- enrolment ------------------------------------------------------------------------------------------------------
ok "enrol makes key and request" castation enrol
is "the key is for its owner alone" "$(stat -c %a "$BENCH/station/station.key")" 600
like "the request names the station" "$(openssl req -in "$BENCH/station/station.csr" -noout -subject -verify 2>&1)" "CN = s1"
before=$(cat "$BENCH/station/station.key")
exits "enrol never overwrites" 4 castation enrol
is "the key is the same" "$(cat "$BENCH/station/station.key")" "$before"
rm "$BENCH"/station/station.csr
exits "not even when only the key is there" 4 castation enrol
rm "$BENCH"/station/station.key

# ---- HSM and CA -----------------------------------------------------------------------------------------------------
need "an HSM" bench_hsm
need "a portal" bench_portal_init
mv "$BENCH/secrets/hsm.pin" "$BENCH/secrets/elsewhere"
need "a vault without its PIN" bench_vault_start
exits "ca init before the HSM is unlocked is refused" 10 bench_ca
printf wrong-pin-1 >"$T/wrong"
exits "an empty PIN is not even tried" 2 "$C" -c "$BENCH/etc/station.conf" unlock --fd 0
unlock_with() { "$C" -c "$BENCH/etc/station.conf" unlock --fd 5 5<"$1"; }
exits "a wrong PIN is refused" 10 unlock_with "$T/wrong"
like "as a wrong PIN" "$ERR" "PIN is wrong"
# at a terminal: typed, corrected with Ctrl-U, not shown
at_terminal() { { sleep 0.5; printf 'x\025%s\r' "$(cat "$BENCH/secrets/elsewhere")"; sleep 1; } |
    script -qec "$C -c $BENCH/etc/station.conf unlock" /dev/null; }
ok "the PIN typed at a terminal unlocks" at_terminal
like "it says so" "$OUT" "logged in"
unlike "the PIN is not shown" "$OUT" "$(cat "$BENCH/secrets/elsewhere")"
ok "unlock with nothing to unlock is no harm" unlock_with "$T/wrong"
exits "ca show before there is a CA" 10 castation ca show
exits "a CA has a name" 2 castation ca init --o x --yes
exits "and a key type that is known" 2 castation ca init --cn x --o x --key-type RSA-1024 --yes
ceremony() { { sleep 0.5; printf '%s\n' "$1"; sleep 1; } |
    script -qec "$C -c $BENCH/etc/station.conf ca init --cn 'Test CA' --o Test" /dev/null; }
exits "the ceremony wants the name typed" 4 ceremony "test ca"
exits "and made nothing" 10 castation ca show
ok "typed right, the CA is made" ceremony "Test CA"
ok "ca show tells of it" castation ca show --json
is "its subject" "$(jq -r .subject <<<"$OUT")" "CN=Test CA,O=Test,C=CN"
is "its fingerprint is the certificate's" "$(jq -r .sha256 <<<"$OUT")" \
    "$(openssl x509 -in "$BENCH/ca.pem" -outform DER | sha256sum | cut -d' ' -f1)"
exits "a second CA is refused" 4 bench_ca

# ---- the station ----------------------------------------------------------------------------------------------------
need "enrolment" bench_enrol s1
need "the portal starts" bench_portal_start
bench_write_station_conf s1
need "castationd starts" bench_station_start
ok "status" castation status
like "names the station" "$OUT" "station +s1"
like "and its bays" "$OUT" "bays +4 "
ok "status in Chinese" castation --lang zh status
like "is Chinese" "$OUT" "制证站 +s1"
for verb in status bays jobs tokens "stock list" "rack list"; do
    # shellcheck disable=SC2086 # two words
    ok "$verb --json is JSON" castation $verb --json
    is "of one object" "$(jq -s 'map(type) | join(" ")' <<<"$OUT")" '"object"'
done
exits "a job that is not there" 3 castation job nobody
exits "a token that is not there" 3 castation token nobody

# ---- stock ----------------------------------------------------------------------------------------------------------
printf 'serial,product,lot,box\r\nA1,softhsm,L1,"box ""1"", top"\r\nA2,softhsm,L1,\r\n' >"$T/good.csv"
ok "a lot goes into stock" castation stock add "$T/good.csv"
like "counted" "$OUT" "2 tokens"
is "as it was written" "$(castation stock list --json | jq -c '[.stock[] | [.serial, .lot, .box]] | sort')" \
    '[["A1","L1","box \"1\", top"],["A2","L1",""]]'
exits "the same again conflicts" 4 castation stock add "$T/good.csv"
like "and names the token" "$ERR" "A1"
printf 'serial,product,lot,box\nB1,softhsm,L1,\nB 2,softhsm,L1,\nB3,softhsm\nB1,softhsm,L1,\nB5,,L1,\nB6,softhsm,"L1,\n' >"$T/bad.csv"
exits "bad lines are refused" 4 castation stock add "$T/bad.csv"
for line in 3 4 5 6 7; do like "line $line is named" "$ERR" "line $line: "; done
is "and nothing is added" "$(castation stock list --json | jq '.stock | length')" 2
printf 'serial;product\n' >"$T/header.csv"
exits "a foreign header is refused" 4 castation stock add "$T/header.csv"
printf 'serial,product,lot,box\nC1,nothing,L1,\n' >"$T/product.csv"
exits "an unknown product is refused" 4 castation stock add "$T/product.csv"
{ echo serial,product,lot,box; for ((i = 0; i < 3000; i++)); do echo "MANY-$i,softhsm,LOT-0123456789,BOX-0123456789"; done; } >"$T/many.csv"
ok "a lot of thousands goes in at once" castation stock add "$T/many.csv"
is "all of it" "$(castation stock list --limit 10000 --json | jq '.stock | length')" 3002
ok "a list that is cut" castation stock list
like "says so" "$ERR" "Only the first 100"

# ---- tokens ---------------------------------------------------------------------------------------------------------
bay_is() { [ "$(castation bays --json | jq -r --arg bay "$1" '.bays[] | select(.bay == $bay).state')" = "$2" ]; }
ok "a blank that is not in stock is plugged in" castation rack plug
ok "and refused" wait_for 20 bay_is bay-1 refused
like "for that reason" "$(castation bays --json | jq -r '.bays[0].detail')" "stock"
ok "it is pulled" castation rack pull bay-1
ok "and its bay is empty" wait_for 20 bay_is bay-1 empty
exits "an empty bay has nothing to pull" 3 castation rack pull bay-1
exits "more blanks than bays are refused" 4 castation rack plug 5
ok "two blanks of a known lot are plugged in" castation rack plug 2 --lot L2
ok "and wait" wait_for 20 bay_is bay-2 idle
idle=$(castation rack list --json | jq -r '.bays[1].serial')
exits "a token that is not made has no letter" 4 castation letter "$idle" -o "$T/letter"
nok "and leaves no file" test -e "$T/letter"
"$ROOT/demo/applications.sh" 3 >"$T/applications.json"
need "three applications are approved" bench_approve "$T/applications.json"
ok "rack feed makes three and ends" castation rack feed --count 3
like "and counts them" "$OUT" "3 made tokens"
is "three are deliverable" "$(castation tokens --state deliverable --json | jq '.tokens | length')" 3
is "and lie in the drawer" "$(castation tokens --state deliverable --json | jq -r '.tokens[].serial' |
    while read -r s; do ls "$BENCH/drawer/$s/softhsm2.conf"; done | wc -l)" 3
ok "rack feed --until-idle ends by itself" castation rack feed --until-idle
start feed "$C" -c "$BENCH/etc/station.conf" rack feed
ok "rack feed without a count fills the bays" wait_for 20 bay_is bay-4 idle
stop feed
is "and ends cleanly when asked to" "$CODE" 0
like "saying what it did" "$(cat "$T/feed.log")" "0 made tokens"
ok "a job is shown with its journal" castation job CA20261122-0001
like "each step with its time" "$OUT" "verify +1 +done +[0-9]+"
ok "and as JSON as it is" castation job CA20261122-0001 --json
is "without what was reckoned" "$(jq '[.journal[] | has("took")] | any' <<<"$OUT")" false
ok "the table is in line in Chinese" castation --lang zh tokens
like "with Chinese words" "$OUT" "可交付"
serial=$(castation tokens --state deliverable --json | jq -r '.tokens[0].serial')
ok "a token is shown" castation token "$serial"
like "with its certificate" "$OUT" "BEGIN CERTIFICATE"
touch "$T/there"
exits "a letter never overwrites" 4 castation letter "$serial" -o "$T/there"
is "what was there" "$(stat -c %s "$T/there")" 0
ok "a letter is written" castation letter "$serial" -o "$T/letter"
is "for its owner alone" "$(stat -c %a "$T/letter")" 600
like "with the PIN" "$(cat "$T/letter")" "PIN: [^ ]"
unlike "which castation did not show" "$OUT$ERR" "$(sed -n 's/^PIN: //p' "$T/letter")"
exits "once only" 4 castation letter "$serial" -o "$T/again"
nok "the second leaves no file" test -e "$T/again"
exits "quarantine wants a reason" 2 castation quarantine "$idle"

# ---- acts on tokens ---------------------------------------------------------------------------------------------------
token_is() { [ "$(castation token "$1" --json | jq -r .token.state)" = "$2" ]; }
idle=$(castation rack list --json | jq -r '.bays[3].serial')
ok "a token is quarantined" castation quarantine "$idle" --reason "dropped on the floor"
ok "and is so" token_is "$idle" quarantined
is "with the reason" "$(castation token "$idle" --json | jq -r .token.reason)" "dropped on the floor"
ok "and its bay says so" wait_for 20 bay_is bay-4 finished
ok "it is released" castation unquarantine "$idle"
ok "and back in stock" token_is "$idle" stock
exits "releasing it twice is refused" 4 castation unquarantine "$idle"
ok "bay-4 is cleared" castation rack pull 4
ok "recycling a token that lies in the drawer waits for it" castation recycle "$serial"
nok "and has not wiped it" token_is "$serial" wiped
ok "the token is plugged back in" castation rack plug --serial "$serial"
ok "and wiped" wait_for 30 token_is "$serial" wiped
is "its certificate is void" "$(castation ca show --json | jq .void)" 1
exits "a token that is wiped already is not recycled" 4 castation recycle "$serial"
exits "a job that is done is not tried again" 4 castation retry CA20261122-0002

# ---- audit ----------------------------------------------------------------------------------------------------------
ok "the audit chain is intact while castationd runs" castation audit verify
stop station
is "castationd ends cleanly" "$CODE" 0
ok "and when it does not" castation audit verify --json
is "all records were looked at" "$(jq .records <<<"$OUT")" "$(sqlite3 "$BENCH/station/station.db" 'SELECT count(*) FROM audit')"
tamper() { sqlite3 "$BENCH/station/station.db" "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; $1"; }
need "one record is changed" tamper "UPDATE audit SET subject = subject || 'x' WHERE seq = 5"
exits "is found" 1 castation audit verify --json
is "by its number" "$(jq -c '[.intact, .first_broken]' <<<"$OUT")" "[false,5]"
like "and said" "$ERR" "record 5"
done_testing
