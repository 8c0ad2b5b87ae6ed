#!/bin/bash
# init, configuration, the page, start and stop.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

portal_conf
exits "caportald without keys says what is missing and exits as not found" 3 "$BIN/caportald" -c "$CONF"
like "the missing file is named" "$ERR" "tls-ca.pem"
ok "init sets a portal up" caportal init --name localhost --name 127.0.0.1 --name portal.example
for f in tls-ca.key server.key approval.key portal.db; do is "$f is private" "$(stat -c %a "$T/$f")" 600; done
ok "the server's certificate is signed by the TLS CA" openssl verify -x509_strict -purpose sslserver -CAfile "$T/tls-ca.pem" "$T/server.pem"
like "it carries the names that were asked for" "$(openssl x509 -in "$T/server.pem" -noout -ext subjectAltName)" "portal.example"
is "the public half belongs to the approval key" "$(openssl pkey -in "$T/approval.key" -pubout)" "$(cat "$T/approval.pub.pem")"
before=$(sha256sum "$T"/*.key "$T"/*.pem)
exits "a second init refuses" 4 caportal init
like "it names what is there" "$ERR" "tls-ca.key"
is "it has overwritten nothing" "$(sha256sum "$T"/*.key "$T"/*.pem)" "$before"
old=$(openssl x509 -in "$T/server.pem" -noout -serial)
ok "the server's certificate can be signed anew" caportal server-certificate --name localhost
isnt "it is another one" "$(openssl x509 -in "$T/server.pem" -noout -serial)" "$old"

# ---- configuration
bad_conf() { # NAME LINES REGEX
    portal_conf "$2"
    exits "$1" 7 "$BIN/caportald" -c "$CONF"
    like "the reason is given" "$ERR" "$3"
}
bad_conf "an unknown key is refused" 'colour = "red";' "caportal.conf:10: colour: unknown key"
bad_conf "a wrong type is refused" 'lease_seconds = "ten";' "caportal.conf:10: lease_seconds: must be an integer"
bad_conf "a value out of range is refused" 'lease_seconds = 0;' "lease_seconds: 0 is not within"
portal_conf
sed -i 's/pages = { listen = "127.0.0.1:0"/pages = { listen = "0.0.0.0:0"/' "$CONF"
exits "pages on an outside address are refused" 7 "$BIN/caportald" -c "$CONF"
like "the way out is given" "$ERR" "proxy"
portal_conf
sed -i 's/127.0.0.1:0"; port_file = "api/nowhere"; port_file = "api/' "$CONF"
exits "an address that is none is refused" 7 "$BIN/caportald" -c "$CONF"
portal_conf
chmod 644 "$T/server.key"
exits "a key that others can read is refused" 4 "$BIN/caportald" -c "$CONF"
chmod 600 "$T/server.key"
cp "$T/server.key" "$T/kept.key"
cp "$T/approval.key" "$T/server.key"
exits "a certificate and a key that are no pair are refused" 5 "$BIN/caportald" -c "$CONF"
cp "$T/kept.key" "$T/server.key"
exits "a word too many is a wrong use" 2 "$BIN/caportald" -c "$CONF" now
exits "an unknown command is a wrong use" 2 caportal dance
exits "a missing option is a wrong use" 2 caportal approve --first A --final B
exits "an option of another command is a wrong use" 2 caportal station list --first A
ok "help lists the commands" caportal help
for verb in init approve applications "station enrol" "station list" retry; do like "help knows $verb" "$OUT" "$verb"; done

# ---- the page
portal_up
page=$(curl -s -D "$T/head" "http://127.0.0.1:$PAGES/")
like "the page speaks Chinese" "$page" "CA证书在线申领"
like "the page speaks English when asked" "$(curl -s -H 'Accept-Language: en' "http://127.0.0.1:$PAGES/")" "Apply for a CA certificate online"
like "it shows the way from the application to the token" "$page" "信息初审/终审"
head=$(tr -d '\r' <"$T/head")
like "a strict content security policy" "$head" "Content-Security-Policy: default-src 'none';"
like "no sniffing" "$head" "X-Content-Type-Options: nosniff"
like "no framing" "$head" "X-Frame-Options: DENY"
unlike "the page holds no script of its own" "$page" '<script>|<script [^s]| on[a-z]*=|style='
applications CA-1 CA-2
is "an unknown page is 404" "$(curl -s -o "$T/404" -w '%{http_code} %{content_type}' "http://127.0.0.1:$PAGES/admin<xyzzy>")" "404 text/html; charset=utf-8"
like "the 404 page is a page" "$(cat "$T/404")" "没有这个页面"
unlike "it does not echo the path" "$(cat "$T/404")" "xyzzy"
is "a page takes no POST" "$(curl -s -o /dev/null -w '%{http_code}' -d x=1 "http://127.0.0.1:$PAGES/")" 405
is "HEAD has the headers and no body" "$(curl -s -I "http://127.0.0.1:$PAGES/" | grep -c '^HTTP/1.1 200')" 1
is "the style sheet is there" "$(curl -s -o /dev/null -w '%{http_code} %{content_type}' "http://127.0.0.1:$PAGES/static/castation.css")" "200 text/css; charset=utf-8"

# ---- a second one, stopping
sed 's/"127.0.0.1:0"; port_file = "api.port"/"127.0.0.1:'"$API"'"; port_file = "second.port"/; s/pages.port/second-pages.port/' "$CONF" >"$T/second.conf"
exits "a second one on the same port is refused" 8 "$BIN/caportald" -c "$T/second.conf"
like "the address is named" "$ERR" "127.0.0.1:$API"
curl -s -N --max-time 20 --cacert "$T/tls-ca.pem" "https://localhost:$API/v1/health" >/dev/null
stop portal
is "SIGTERM ends it cleanly" "$CODE" 0
like "it says so" "$(cat "$T/portal.log")" "stopped"
portal_up
stop portal

# ---- a database that is not for this program
sqlite3 "$T/portal.db" 'PRAGMA user_version = 9999'
exits "a newer database is refused" 8 "$BIN/caportald" -c "$CONF"
like "it says newer" "$ERR" "database-newer"
exits "so do the commands" 8 caportal applications
done_testing
