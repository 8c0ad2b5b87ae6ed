#!/bin/bash
# Damaged records, wrong clocks, wrong pairs, bad configuration: nothing is signed, and it is said why.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vault.sh"

need "an HSM" vault_new
need "a vault" vault_up
need "a CA" ca_new
need "an application" papers "$T/a" CA-1
need "a certificate" make_certificate "$T/a" job-1 TOKEN-1
strike vault
LOG=$V/state/vault.log
cp -p "$LOG" "$T/good.log"

# ---- the log
head -c -20 "$T/good.log" >"$LOG"
need "a torn last line" vault_up
like "is cut and said aloud" "$(cat "$T/vault.log")" 'torn: [0-9]+ bytes cut off'
is "it was the signature: its intent is known" "$(tool lookup "$T/a" | cut -d' ' -f1)" intent
ok "and it is signed again" tool sign "$T/a" job-1 TOKEN-1
strike vault

refuses() { # NAME
    exits "$1: the vault does not start" 10 "$BIN/castation-vault" -c "$V/vault.conf"
    like "$1: says which line" "$ERR" 'vault.log: line [0-9]+: .*\[vault-log\]'
}
sed '3s/示例/示列/' "$T/good.log" >"$LOG"
refuses "a word changed"
sed 4d "$T/good.log" >"$LOG"
refuses "a record taken out"
{ cat "$T/good.log"; tail -1 "$T/good.log"; } >"$LOG"
refuses "a record twice"
{ sed -n 1,4p "$T/good.log"; echo; sed -n '5,$p' "$T/good.log"; } >"$LOG"
refuses "an empty line"
cp -p "$T/good.log" "$LOG"

# ---- the clock: the last record is a day ahead
forged=$(mktemp -p "$T")
perl -MDigest::SHA=sha256 -e '
    open my $in, "<", $ARGV[0] or die; my @l = <$in>; my $h = "\0" x 32;
    for my $i (0 .. $#l) { my $json = substr $l[$i], 65; chomp $json;
        $json =~ s/"at":"(\d+)-/"at":"@{[$1 + 1]}-/ if $i == $#l;
        $h = sha256($h . pack("Q>", length $json) . $json); print unpack("H*", $h), " $json\n"; }' "$T/good.log" >"$forged"
cp "$forged" "$LOG"
need "a log that is a year ahead" vault_up
papers "$T/b" CA-2
exits "nothing is reserved" 8 tool reserve "$T/b" job-2 TOKEN-2
like "because of the clock" "$ERR" '^clock: '
like "the status says so" "$(tool status)" "the clock says"
like "what was signed is still found" "$(tool lookup "$T/a")" '^signed'
strike vault
cp -p "$T/good.log" "$LOG"

# ---- the CA
cp "$V/ca.pem" "$T/ca.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/x.key" -subj /CN=x -days 100 \
    -addext keyUsage=critical,keyCertSign,cRLSign -out "$V/ca.pem" 2>/dev/null
need "another CA's certificate" vault_up
is "is no CA" "$(status_of state)" no-ca
exits "nothing is reserved" 10 tool reserve "$T/b" job-2 TOKEN-2
like "because they are no pair" "$ERR" '^ca-mismatch: '
strike vault
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/x.key" -subj /CN=x -days 100 \
    -addext basicConstraints=critical,CA:FALSE -out "$V/ca.pem" 2>/dev/null
need "a certificate that is no CA's" vault_up
exits "nothing is reserved" 10 tool reserve "$T/b" job-2 TOKEN-2
strike vault
rm "$V/ca.pem"
need "no CA certificate" vault_up
like "is written again from the log" "$(cat "$T/vault.log")" 'written again from the log'
ok "the very same" cmp "$V/ca.pem" "$T/ca.pem"
ok "and a serial number is drawn" tool reserve "$T/b" job-2 TOKEN-2
stop vault

# ---- the configuration
bad_conf() { # NAME CODE WORDS SED
    vault_conf "$SOFTHSM"
    sed -i "$4" "$V/vault.conf"
    exits "$1: refused" "$2" "$BIN/castation-vault" -c "$V/vault.conf"
    like "$1: says so" "$ERR" "$3"
}
bad_conf "an unknown key" 7 'vault.conf:[0-9]+: ' '2s/.*/hsm_pin = "12345678";/'
bad_conf "no module" 7 'module-path' 's/?module-path=[^"]*//'
bad_conf "a module that is not there" 3 'libnothing' 's/libsofthsm2/libnothing/'
bad_conf "a portal key that is not there" 3 'nothing.pem' 's/portal.pem/nothing.pem/'
bad_conf "no profiles" 3 'nowhere' 's#/profiles"#/nowhere"#'
bad_conf "a user there is none of" 7 'there is no user' '1i allow_users = ["no-such-user"];'
bad_conf "a token there is none of" 75 'no token there matches' 's/token=castation-hsm/token=another/'
vault_conf "$SOFTHSM"
chmod 666 "$V/vault.conf"
exits "a configuration that all may write is refused" 4 "$BIN/castation-vault" -c "$V/vault.conf"
chmod 600 "$V/vault.conf"
: >"$RUN/v"
exits "a file in the place of the socket is not removed" 4 "$BIN/castation-vault" -c "$V/vault.conf"
ok "it is still there" test -f "$RUN/v"
done_testing
