#!/bin/bash
# The station API: claim, renew, report, fail, void, give_back; two stations on one application.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

portal_conf 'lease_seconds = 3;'
need "a portal is set up" caportal init
applications CA-1 CA-2 CA-3 CA-4
application RSA-1 org-sign-rsa2048 >"$T/rsa.json"
need "another profile is approved" caportal approve --import "$T/rsa.json" --first 张三 --final 李四
portal_up
station alpha
station beta

api alpha GET /v1/health
is "health answers" "$STATUS $(field .status)" "200 ok"
is "health tells the version" "$(field .version)" "$(cat "$ROOT/VERSION")"

# ---- claim
api alpha POST /v1/claim "$CLAIM"
is "a claim lends the oldest" "$STATUS $(field '.claims[0].application.id')" "200 CA-1"
is "generation and lease come with it" "$(field '.claims[0] | "\(.generation) \(.lease_seconds)"')" "1 3"
field '.claims[0].approval' | tr -d '\n' >"$T/approval"
field '.claims[0].signature' | base64 -d >"$T/signature"
ok "the approval's signature verifies with openssl" openssl dgst -sha256 -verify "$T/approval.pub.pem" -signature "$T/signature" "$T/approval"
field '.claims[0].application' | jq -jcS . >"$T/document"
is "it is over the application's content" "$(sha256sum <"$T/document" | cut -d' ' -f1)" "$(jq -r .content_sha256 "$T/approval")"
is "the state is claimed" "$(state CA-1)" claimed
api beta POST /v1/claim '{"max": 64, "profiles": ["org-sign-p256", "org-sign-p384"]}'
is "another station gets the others, of its profiles" "$(field '[.claims[].application.id] | join(" ")')" "CA-2 CA-3 CA-4"
api beta POST /v1/claim "$CLAIM"
is "nothing is left" "$STATUS $BODY" '200 {"claims":[]}'
api beta POST /v1/claim '{"max": 1, "profiles": ["org-sign-rsa2048"], "station": "alpha"}'
is "a station cannot claim in another's name" "$STATUS $(field .code)" "422 field"

# ---- report, and the same again
api alpha POST /v1/applications/CA-1/report "$(made alpha CA-1 1 1a2b3c4d5e6f7081)" report-1
is "a report makes it" "$STATUS $BODY" '200 {"state":"made"}'
is "the state is made" "$(state CA-1)" made
is "the certificate is recorded" "$(caportal application CA-1 --json | jq -r '.certificates[0] | "\(.serial) \(.token_serial) \(.generation) \(.station)"')" \
    "1a2b3c4d5e6f7081 TOKEN-1a2b3c4d5e6f7081 1 alpha"
body=$(made alpha CA-2 1 99)
api alpha POST /v1/applications/CA-1/report "$body" report-1
is "the key with another body is refused" "$STATUS $(field .code)" "422 idempotency-key-reused"
api alpha POST /v1/applications/CA-2/report "$body" report-1
is "the key with another path is refused" "$STATUS $(field .code)" "422 idempotency-key-reused"
is "nothing happened to the other one" "$(state CA-2)" claimed

# ---- who holds what
api alpha POST /v1/applications/CA-2/report "$(made alpha CA-2 1 2222)"
is "another's application cannot be reported" "$STATUS $(field .code)" "409 lease"
api beta POST /v1/applications/CA-2/report "$(made beta CA-2 7 2222)"
is "a generation that never was is refused" "$STATUS $(field .code)" "409 generation"
api beta POST /v1/applications/CA-9/report "$(made beta CA-9 1 2222)"
is "an application that is not there is not found" "$STATUS $(field .code)" "404 not-found"
api beta POST /v1/applications/CA-2/report "$(made beta CA-2 1 2222 别的公司)"
is "a certificate of another organisation is refused" "$STATUS $(field .code)" "422 field"
like "it names both" "$(field .detail)" "别的公司.*$ORGANISATION"
api beta POST /v1/applications/CA-2/report "$(made beta CA-2 1 2222 | jq '.certificate_serial = "3333"')"
is "a serial that is not the certificate's is refused" "$STATUS $(field .code)" "422 field"
api beta POST /v1/applications/CA-2/report "$(made beta CA-2 1 1a2b3c4d5e6f7081)"
is "a certificate of another application is refused" "$STATUS $(field .code)" "409 conflict"
api beta POST /v1/applications/CA-2/report "$(made beta CA-2 1 2222 | jq '.certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"')"
is "rubbish for a certificate is refused" "$STATUS $(field .code)" "422 field"
is "after all that it is still claimed" "$(state CA-2)" claimed

# ---- lease over: the next generation; the late report
api beta POST /v1/applications/CA-3/renew '{"generation": 1}'
is "a claim is renewed" "$STATUS $BODY" '200 {"lease_seconds":3}'
api alpha POST /v1/applications/CA-3/renew '{"generation": 1}'
is "not by another" "$STATUS $(field .code)" "409 lease"
sleep 3.2
api alpha POST /v1/claim '{"max": 2, "profiles": ["org-sign-p256"]}'
is "when the lease is over another gets it, a generation higher" "$(field '[.claims[] | "\(.application.id)/\(.generation)"] | join(" ")')" "CA-2/2 CA-3/2"
api beta POST /v1/applications/CA-2/report "$(made beta CA-2 1 4444)" late
is "the late report is refused" "$STATUS $(field .code)" "409 generation"
api beta POST /v1/applications/CA-2/report "$(made beta CA-2 1 4444)" late2
is "it stays refused" "$STATUS $(field .code)" "409 generation"
api beta POST /v1/applications/CA-2/void '{"generation": 1, "certificate_serial": "4444", "reason": "late"}'
is "its void is taken, of the older generation" "$STATUS $(field .state)" "200 claimed"
api beta POST /v1/applications/CA-2/void '{"generation": 1, "certificate_serial": "4444", "reason": "late, again"}'
is "and again, recorded once" "$STATUS $(caportal application CA-2 --json | jq '.voided | length')" "200 1"
api alpha POST /v1/applications/CA-2/report "$(made alpha CA-2 2 4444)"
is "nobody can report that certificate now" "$STATUS $(field .code)" "409 conflict"
api alpha POST /v1/applications/CA-2/report "$(made alpha CA-2 2 5555)"
is "the present generation reports its own" "$STATUS $(state CA-2)" "200 made"
is "two stations, one application: one standing certificate" "$(caportal application CA-2 --json | jq '[.certificates[] | select(.voided_at == null)] | length')" 1
is "the timeline tells it" "$(caportal application CA-2 --json | jq -r '[.events[] | "\(.who)/\(.what)"] | join(" ")' | sed 's/caportal:[a-z]*/operator/')" \
    "operator/approve station:beta/claim station:alpha/claim station:beta/void station:alpha/report"

# ---- a lease that is over and that nobody else wanted
sleep 0.5
api beta POST /v1/applications/CA-4/report "$(made beta CA-4 1 6666)"
is "a lease that ran out alone does not refuse a report" "$STATUS $(state CA-4)" "200 made"

# ---- void of what stands
api alpha POST /v1/applications/CA-4/void '{"generation": 1, "certificate_serial": "6666", "reason": "x"}'
is "another station cannot void it" "$STATUS $(field .code)" "409 lease"
api beta POST /v1/applications/CA-4/void '{"generation": 1, "certificate_serial": "6666", "reason": "token lost"}' void-1
is "a void of the standing certificate puts it back" "$STATUS $(field .state)" "200 approved"
api beta POST /v1/applications/CA-4/void '{"generation": 1, "certificate_serial": "6666", "reason": "token lost"}' void-1
is "the same request again gets the same answer" "$STATUS $(field .state)" "200 approved"
is "an operator is alerted" "$(caportal application CA-4 --json | jq -c '[.events[] | select(.alert) | .what]')" '["void"]'
# the other leases may run out meanwhile, and what was lent by them is lent too
all='{"max": 64, "profiles": ["org-sign-p256"]}'
api alpha POST /v1/claim "$all"
is "it can be claimed again" "$(field '[.claims[] | select(.application.id == "CA-4") | "\(.application.id)/\(.generation)"] | join(" ")')" "CA-4/2"

# ---- give back, fail, retry
api alpha POST /v1/applications/CA-4/give_back '{"generation": 2}'
is "a claim is given back" "$STATUS $(field .state)" "200 approved"
api alpha POST /v1/applications/CA-4/renew '{"generation": 2}'
is "what was given back cannot be renewed" "$STATUS $(field .code)" "409 state"
api beta POST /v1/claim "$all"
is "another gets it" "$(field '[.claims[] | select(.application.id == "CA-4") | "\(.application.id)/\(.generation)"] | join(" ")')" "CA-4/3"
api beta POST /v1/applications/CA-4/fail '{"generation": 3, "code": "weak-key", "detail": "the lot is stopped"}'
is "a failure is told" "$STATUS $(field .state)" "200 failed"
is "its reason is kept" "$(caportal applications --state failed --json | jq -r '.[0] | "\(.id) \(.fault_code)"')" "CA-4 weak-key"
api beta POST /v1/claim "$CLAIM"
is "a failed one is not lent" "$(field '[.claims[].application.id | select(. == "CA-4")] | length')" 0
exits "only a failed one is put back" 4 caportal retry CA-1
ok "an operator puts it back" caportal retry CA-4 --reason "new lot"
api alpha POST /v1/claim '{"max": 5, "profiles": ["org-sign-p256"]}'
is "then it is lent again" "$(field '[.claims[] | "\(.application.id)/\(.generation)"] | map(select(startswith("CA-4"))) | join(" ")')" "CA-4/4"

# ---- idempotency of a claim
api alpha POST /v1/claim '{"max": 1, "profiles": ["org-sign-rsa2048"]}' same-claim
first=$(field '.claims[0] | "\(.application.id)/\(.generation)"')
sleep 1.2
api alpha POST /v1/claim '{"max": 1, "profiles": ["org-sign-rsa2048"]}' same-claim
is "the same claim again is the same claim" "$first $(field '.claims[0] | "\(.application.id)/\(.generation)"')" "RSA-1/1 RSA-1/1"
is "with what is left of its lease" "$(field '.claims[0].lease_seconds < 3')" true
api beta POST /v1/claim '{"max": 1, "profiles": ["org-sign-rsa2048"]}' same-claim
is "keys belong to stations" "$STATUS $BODY" '200 {"claims":[]}'
done_testing
