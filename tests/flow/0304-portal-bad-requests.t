#!/bin/bash
# Requests as no honest station sends them: refused, bounded, and the service goes on.
# shellcheck disable=SC2016 # what another shell or jq expands
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

portal_conf 'request_seconds = 2; idle_seconds = 4; max_body = 65536;'
need "a portal is set up" caportal init
applications CA-1
portal_up
station alpha
CRLF=$'\r\n'

# ---- raw requests: bytes on standard input, the answer in ANSWER
raw() { # to the station API, over TLS
    timeout 20 openssl s_client -quiet -ign_eof -connect "127.0.0.1:$API" -CAfile "$T/tls-ca.pem" -cert "$T/alpha.pem" -key "$T/alpha.key" >"$T/.raw" 2>/dev/null
    ANSWER=$(tr -d '\r\0' <"$T/.raw")
}
plain() { # to the pages
    timeout 20 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat >&3; cat <&3' - "$PAGES" >"$T/.raw"
    ANSWER=$(tr -d '\r\0' <"$T/.raw")
}
HEAD="Host: localhost${CRLF}Content-Type: application/json${CRLF}Idempotency-Key: k1${CRLF}"
BODY_CLAIM='{"max":1,"profiles":["org-sign-p256"]}'
LEN=${#BODY_CLAIM}
CHUNKED=$(printf '%x' "$LEN")$CRLF$BODY_CLAIM${CRLF}0$CRLF$CRLF
# NAME FIELDS BODY: a claim with these fields is answered once, with 400, and nothing is claimed; neither is a second request
# that hides behind it
refused() {
    raw <<<"POST /v1/claim HTTP/1.1$CRLF$HEAD$2$CRLF$3GET /v1/health HTTP/1.1${CRLF}Host: localhost$CRLF$CRLF"
    like "$1: refused" "$ANSWER" "^HTTP/1.1 400"
    unlike "$1: what hides behind it is not answered" "$ANSWER" '"status":"ok"|HTTP/1.1 2'
    is "$1: nothing was claimed" "$(state CA-1)" approved
}
refused "Content-Length with Transfer-Encoding" "Content-Length: $LEN${CRLF}Transfer-Encoding: chunked$CRLF" "$CHUNKED"
refused "Transfer-Encoding with Content-Length" "Transfer-Encoding: chunked${CRLF}Content-Length: $LEN$CRLF" "$CHUNKED"
refused "Content-Length twice, the same" "Content-Length: $LEN${CRLF}Content-Length: $LEN$CRLF" "$BODY_CLAIM"
refused "Content-Length twice, another" "Content-Length: $LEN${CRLF}Content-Length: 0$CRLF" "$BODY_CLAIM"
refused "a list as Content-Length" "Content-Length: $LEN, $LEN$CRLF" "$BODY_CLAIM"
refused "a sign in Content-Length" "Content-Length: +$LEN$CRLF" "$BODY_CLAIM"
refused "letters in Content-Length" "Content-Length: ${LEN}x$CRLF" "$BODY_CLAIM"
refused "another Transfer-Encoding" "Transfer-Encoding: gzip, chunked$CRLF" "$CHUNKED"
refused "Transfer-Encoding: identity" "Transfer-Encoding: identity$CRLF" "$BODY_CLAIM"
refused "Transfer-Encoding twice" "Transfer-Encoding: chunked${CRLF}Transfer-Encoding: chunked$CRLF" "$CHUNKED"
refused "a space before the colon" "Content-Length : $LEN$CRLF" "$BODY_CLAIM"
refused "two Host fields" "Host: other${CRLF}Content-Length: $LEN$CRLF" "$BODY_CLAIM"
raw <<<"POST /v1/claim HTTP/1.1${CRLF}Content-Type: application/json${CRLF}Idempotency-Key: k1${CRLF}Content-Length: $LEN$CRLF$CRLF$BODY_CLAIM"
like "no Host: refused" "$ANSWER" "^HTTP/1.1 400"
raw <<<"POST /v1/claim HTTP/1.0${CRLF}Content-Type: application/json${CRLF}Idempotency-Key: k1${CRLF}Content-Length: $LEN$CRLF$CRLF$BODY_CLAIM"
like "no Host in HTTP/1.0: refused" "$ANSWER" "^HTTP/1.[01] 400"
raw <<<"GARBAGE"
unlike "a line that is no request gets no success" "$ANSWER" "^HTTP/1.1 2"
for target in "http://localhost/v1/health" "//v1/health" "/v1/%68ealth" "/v1/health%00" "*"; do
    raw <<<"GET $target HTTP/1.1${CRLF}Host: localhost${CRLF}Connection: close$CRLF$CRLF"
    like "the target $target is not another spelling of a path" "$ANSWER" "^HTTP/1.1 4"
done
is "after all that nothing was claimed" "$(state CA-1)" approved

for fields in "Content-Length: 3${CRLF}Transfer-Encoding: chunked$CRLF" "Content-Length: 0${CRLF}Content-Length: 0$CRLF" "Host: two$CRLF"; do
    plain <<<"GET / HTTP/1.1${CRLF}Host: localhost$CRLF$fields$CRLF"
    like "the pages refuse it, too: ${fields%%"$CRLF"*}" "$ANSWER" "^HTTP/1.1 400"
done
plain <<<"GET / HTTP/1.1$CRLF$CRLF"
like "the pages want a Host" "$ANSWER" "^HTTP/1.1 400"

# ---- bodies
status() { curl -s -m 30 --cacert "$T/tls-ca.pem" --cert "$T/alpha.pem" --key "$T/alpha.key" -o "$T/.body" -w '%{http_code}' "$@"; BODY=$(cat "$T/.body"); }
JSON=(-H 'Content-Type: application/json' -H 'Idempotency-Key: k2')
URL=https://localhost:$API/v1/claim
head -c 10000000 /dev/zero | tr '\0' ' ' >"$T/big"
is "10 MB are refused at once when the client waits to be asked" "$(status "${JSON[@]}" --data-binary @"$T/big" "$URL")" 413
is "10 MB are refused when the client just sends them" "$(status "${JSON[@]}" -H 'Expect:' --data-binary @"$T/big" "$URL")" 413
is "10 MB in chunks are refused" "$(status "${JSON[@]}" -H 'Expect:' -H 'Transfer-Encoding: chunked' --data-binary @"$T/big" "$URL")" 413
{ printf '%s' "$BODY_CLAIM"; head -c $((65536 - LEN)) /dev/zero | tr '\0' ' '; } >"$T/exact"
printf ' ' | cat "$T/exact" - >"$T/over"
is "one byte over the limit is refused" "$(status "${JSON[@]}" --data-binary @"$T/over" "$URL")" 413
body_case() { # NAME STATUS CODE BODY
    STATUS=$(status "${JSON[@]}" --data-binary "$4" "$URL")
    BODY=$(cat "$T/.body")
    is "$1" "$STATUS $(field .code)" "$2 $3"
}
body_case "malformed JSON" 400 json '{"max":1,'
body_case "a duplicate key" 400 json '{"max":1,"max":2,"profiles":["org-sign-p256"]}'
body_case "bytes after the document" 400 json '{"max":1,"profiles":["org-sign-p256"]} {}'
body_case "no body" 400 json ''
body_case "a NUL character" 400 json '{"max":1,"profiles":["a\u0000b"]}'
body_case "nesting without end" 400 json "$(printf '[%.0s' {1..5000})"
body_case "bytes that are not UTF-8" 400 json $'{"max":1,"profiles":["\xff"]}'
body_case "a list for an object" 422 field '[]'
body_case "an unknown field" 422 field '{"max":1,"profiles":["org-sign-p256"],"more":1}'
body_case "a missing field" 422 field '{"max":1}'
body_case "a string for a number" 422 field '{"max":"1","profiles":["org-sign-p256"]}'
body_case "a fraction for a number" 422 field '{"max":1.5,"profiles":["org-sign-p256"]}'
body_case "a number too large" 422 field '{"max":65,"profiles":["org-sign-p256"]}'
body_case "17 profiles" 422 field "$(jq -nc '{max: 1, profiles: [range(17) | "p\(.)"]}')"
is "another media type" "$(status -H 'Content-Type: text/plain' -H 'Idempotency-Key: k' -d "$BODY_CLAIM" "$URL")" 415
is "another charset" "$(status -H 'Content-Type: application/json; charset=gbk' -H 'Idempotency-Key: k' -d "$BODY_CLAIM" "$URL")" 415
is "a media type that only begins so" "$(status -H 'Content-Type: application/jsonp' -H 'Idempotency-Key: k' -d "$BODY_CLAIM" "$URL")" 415
is "no Idempotency-Key" "$(status -H 'Content-Type: application/json' -d "$BODY_CLAIM" "$URL")" 400
is "an Idempotency-Key with other characters" "$(status -H 'Content-Type: application/json' -H 'Idempotency-Key: a b' -d "$BODY_CLAIM" "$URL")" 400
is "an Idempotency-Key of 65" "$(status -H 'Content-Type: application/json' -H "Idempotency-Key: $(printf 'k%.0s' {1..65})" -d "$BODY_CLAIM" "$URL")" 400
is "two Idempotency-Keys" "$(status "${JSON[@]}" -H 'Idempotency-Key: k3' -d "$BODY_CLAIM" "$URL")" 400
is "a query" "$(status "${JSON[@]}" -d "$BODY_CLAIM" "$URL?x=1")" 400
is "an unknown path" "$(status "${JSON[@]}" -d "$BODY_CLAIM" "https://localhost:$API/v1/claims")" 404
is "GET where it takes POST" "$(status -D "$T/.head" "$URL")" 405
like "405 tells the method" "$(tr -d '\r' <"$T/.head")" "Allow: POST"
is "DELETE" "$(status -X DELETE "$URL")" 405
is "after all that nothing was claimed, either" "$(state CA-1)" approved

# ---- slow clients: a byte now and then does not hold a connection for ever
drip() { # FILE: a byte each 0.3 s, to the end of it or of the connection
    local i text
    text=$(cat "$1")
    for ((i = 0; i < ${#text}; i++)); do
        printf %s "${text:i:1}" 2>/dev/null || return
        sleep 0.3
    done
}
seconds_of() { # COMMAND…
    local begin=$EPOCHREALTIME
    "$@"
    echo "$begin $EPOCHREALTIME" | awk '{printf "%d", $2 - $1}'
}
printf 'GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX-Long: %0200d\r\n\r\n' 0 >"$T/slow-head"
printf 'POST /v1/claim HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n' "$HEAD" "$LEN" >"$T/fast-head"
slow_head() { drip "$T/slow-head" | timeout 40 openssl s_client -quiet -ign_eof -connect "127.0.0.1:$API" -CAfile "$T/tls-ca.pem" -cert "$T/alpha.pem" -key "$T/alpha.key" >/dev/null 2>&1; }
slow_body() { { cat "$T/fast-head"; drip <(printf '%s' "$BODY_CLAIM"); } | timeout 40 openssl s_client -quiet -ign_eof -connect "127.0.0.1:$API" -CAfile "$T/tls-ca.pem" -cert "$T/alpha.pem" -key "$T/alpha.key" >/dev/null 2>&1; }
slow_tls() { timeout 40 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; { printf "\026\003\001" >&3; cat <&3; }' - "$API" >/dev/null 2>&1; }
slow_page() { timeout 40 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; (for c in G E T " " / " " H T T P / 1 . 1 a b c d e f g h i j k l m n o p; do printf "%s" "$c" || exit; sleep 0.3; done) >&3 2>/dev/null & cat <&3; kill $! 2>/dev/null' - "$PAGES" >/dev/null 2>&1; }
for kind in slow_head slow_body slow_tls slow_page; do
    s=$(seconds_of "$kind")
    is "$kind is cut off in time ($s s)" "$([ "$s" -le 15 ] && echo yes)" yes
done
is "what came slowly claimed nothing" "$(state CA-1)" approved
silent=()
for _ in {1..40}; do # forty that connect and say nothing
    (exec 3<>"/dev/tcp/127.0.0.1/$API" && sleep 3) &
    silent+=($!)
done 2>/dev/null
is "while forty say nothing, another is served" "$(status "https://localhost:$API/v1/health")" 200
wait "${silent[@]}"

# ---- and honest ones still work
is "exactly the limit is taken" "$(status "${JSON[@]}" --data-binary @"$T/exact" "$URL")" 200
is "that was a claim" "$(state CA-1)" claimed
api alpha POST /v1/applications/CA-1/give_back '{"generation": 1}'
raw <<<"POST /v1/claim HTTP/1.1$CRLF${HEAD/k1/k9}Transfer-Encoding: chunked${CRLF}Connection: close$CRLF$CRLF$CHUNKED"
like "chunks alone are fine" "$ANSWER" "^HTTP/1.1 200"
is "and claimed" "$(state CA-1)" claimed
ok "the portal has run through all of it" alive portal
done_testing
