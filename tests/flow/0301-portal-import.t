#!/bin/bash
# approve --import: each bad application is named with its reason; all or nothing.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

portal_conf
need "a portal is set up" caportal init
approve() { caportal approve --import "$T/in.json" --first 张三 --final 李四 "$@"; }
count() { caportal applications --json | jq length; }

# NAME CODE REASON FILTER: a good application, spoilt by a jq filter, between two good ones
spoilt() {
    { application OK-1; application BAD-1 | jq "$4"; application OK-2; } | jq -s . >"$T/in.json"
    run approve --json
    isnt "$1: refused" "$CODE" 0
    is "$1: the entry is named" "$(jq -r '.errors | map("\(.index) \(.code)") | join(",")' <<<"$OUT")" "1 $2"
    like "$1: the reason is given" "$(jq -r '.errors[0].reason' <<<"$OUT")" "$3"
    is "$1: nothing was taken in" "$(count)" 0
}
spoilt "an unknown profile" profile "org-sign-sm2" '.profile = "org-sign-sm2"'
spoilt "a wrong check character" identifier "organisation.identifier" '.organisation.identifier = "91330100799655058C"'
spoilt "a USCC too short" identifier "organisation.identifier" '.organisation.identifier = "9133010079965505"'
spoilt "zcy as a USCC" identifier "organisation.identifier" '.organisation.identifier = "zcy12345678"'
spoilt "65 characters" field "organisation.name.*64" '.organisation.name = ("机" * 65)'
spoilt "a control character" field "organisation.name.*U\+0007" '.organisation.name = "a\u0007b"'
spoilt "a missing address" field "delivery.address" 'del(.delivery.address)'
spoilt "an empty address" field "delivery.address" '.delivery.address = ""'
spoilt "a missing phone" field "delivery.phone" 'del(.delivery.phone)'
spoilt "pickup without a point" field "delivery.point" '.delivery = {method: "pickup"}'
spoilt "an unknown field" field "colour" '.colour = "red"'
spoilt "a missing organisation" field "organisation" 'del(.organisation)'
spoilt "an id with a slash" field "id" '.id = "CA/1"'
spoilt "a document of 20 kB" field "organisation.name" '.organisation.name = ("a" * 20000)'
spoilt "an application that is no object" field "must be an object" '"x"'

{ application OK-1; application SAME-1; application SAME-1; } | jq -s . >"$T/in.json"
run approve --json
is "an id twice in one file: named" "$(jq -r '.errors[0] | "\(.index) \(.id) \(.code)"' <<<"$OUT")" "2 SAME-1 exists"
is "an id twice in one file: nothing was taken in" "$(count)" 0

{ application A-1 | jq '.profile = "x"'; application A-2 | jq 'del(.delivery)'; application A-3 | jq '.organisation.name = ""'; } | jq -s . >"$T/in.json"
run approve
is "all that is wrong is said at once" "$(grep -cE 'A-[123]' <<<"$ERR")" 3

# ---- whole files
application GOOD-1 | sed 's/"id": "GOOD-1"/"id": "GOOD-1", "id": "GOOD-2"/' >"$T/in.json"
exits "a duplicate key is refused" 4 approve
like "it is named" "$ERR" "duplicate"
printf '[{"id": "A",]' >"$T/in.json"
exits "malformed JSON is refused" 4 approve
like "line and column are named" "$ERR" "line 1 column"
application GOOD-1 | jq -c . | tr -d '\n' >"$T/in.json"; echo '{}' >>"$T/in.json"
exits "what follows the document is refused" 4 approve
{ printf '{"id": "'; head -c 10000000 /dev/zero | tr '\0' a; printf '"}'; } >"$T/in.json"
exits "10 MB of one application are refused" 4 approve
head -c 70000000 /dev/zero >"$T/in.json"
exits "a file beyond all measure is refused" 4 approve
like "as too large" "$ERR" "in.json"
echo '[]' >"$T/in.json"
exits "an empty list is refused" 4 approve
exits "a file that is not there is not found" 3 caportal approve --import "$T/none.json" --first A --final B
application GOOD-1 >"$T/in.json"
exits "one reviewer alone is refused" 4 caportal approve --import "$T/in.json" --first 张三 --final 张三
is "none of all this was taken in" "$(count)" 0

# ---- good ones
ok "one good document is approved" approve
exits "not twice" 4 approve
like "the repeated id is named" "$ERR" "GOOD-1"
for i in 1 2 3; do application "LIST-$i"; done | jq -s . >"$T/in.json"
run approve --json
is "a list is approved" "$(jq -r '.approved | join(" ")' <<<"$OUT")" "LIST-1 LIST-2 LIST-3"
application ZCY-1 | jq '.organisation.identifier_kind = "INTERNAL" | .organisation.identifier = "zcy20261122001"' >"$T/in.json"
ok "an institution with an internal identifier is approved" approve
is "they are all there" "$(count)" 5
is "each has its event" "$(caportal application LIST-2 --json | jq -r '.events[] | "\(.what) \(.to)"')" "approve approved"
like "the event says who" "$(caportal application LIST-2 --json | jq -r '.events[0].who')" "^caportal:"
exits "an application that is not there is not found" 3 caportal application NONE-1
chmod 644 "$T/approval.key"
application GOOD-2 >"$T/in.json"
exits "an approval key that others can read is refused" 4 approve
rm "$T/approval.key"
exits "without the approval key nothing is approved" 3 approve
is "nothing was taken in" "$(count)" 5
done_testing
