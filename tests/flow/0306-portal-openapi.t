#!/bin/bash
# docs/openapi.yaml and docs/API.md say what the code does: the route table, fields, limits and refusals are compared.
# shellcheck disable=SC2016,SC2119 # $d is jq's
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

perl -MCPAN::Meta::YAML -MJSON::PP -e 'my $d = CPAN::Meta::YAML->read($ARGV[0]) or die; print JSON::PP->new->utf8->canonical->encode($d->[0])' \
    "$ROOT/docs/openapi.yaml" >"$T/spec.json"
ok "the OpenAPI file can be read" jq -e '.openapi == "3.1.0"' "$T/spec.json"
"$BIN/caportal" api >"$T/code.json"
ok "the program prints its table" jq -e '.routes | length > 0' "$T/code.json"

is "the same operations" "$(jq -r '.paths | to_entries[] | .key as $p | .value | to_entries[] | "\(.key | ascii_upcase) \($p) \(.value.operationId)"' "$T/spec.json" | sort)" \
    "$(jq -r '.routes[] | "\(.method) \(.path) \(.operation)"' "$T/code.json" | sort)"
is "the same problem codes" "$(jq -r '.components.schemas.Problem.properties.code.enum[]' "$T/spec.json" | sort)" "$(jq -r '.problems[].code' "$T/code.json" | sort)"
is "every state is listed" "$(jq -r '.components.schemas.State.properties.state.enum[]' "$T/spec.json" | sort)" \
    "$(sed -n 's/^X([A-Z_]*, "\([a-z_]*\)".*/\1/p' "$ROOT/src/portal/application_state.def" | sort)"
is "every reference leads somewhere" "$(jq -r '[.. | objects | .["$ref"]? // empty] | unique[] | select(startswith("#/"))' "$T/spec.json" | while read -r ref; do
    jq -e --arg ref "$ref" 'getpath($ref | ltrimstr("#/") | split("/")) != null' "$T/spec.json" >/dev/null || echo "$ref"; done)" ""

# A schema's fields as "name type required max", for one operation's body or answer.
DEFS='def resolve($d): if .["$ref"]? then (.["$ref"] | ltrimstr("#/") | split("/")) as $p | $d | getpath($p) else . end;
    def fields($d): resolve($d) | (.required // []) as $r | (.properties // {}) | to_entries | map(.key as $k | .value | resolve($d)
        | "\($k) \(.type) \($r | index($k) != null) \(.maxLength // .maximum // .maxItems // 0)") | sort;'
jq -r '.routes[] | [.method, .path] | @tsv' "$T/code.json" | while IFS=$'\t' read -r method path; do
    spec() { jq -r --arg p "$path" --arg m "${method,,}" "$DEFS"' . as $d | .paths[$p][$m] | '"$1" "$T/spec.json"; }
    code() { jq -r --arg p "$path" --arg m "$method" '.routes[] | select(.path == $p and .method == $m) | '"$1" "$T/code.json"; }
    echo "BODY $path $(spec 'if .requestBody then (.requestBody.content["application/json"].schema | fields($d) | join("; ")) else "none" end')"
    echo "CODE $path $(code 'if .body then (.body | to_entries | map("\(.key) \(.value.type) \(.value.required) \(.value.max)") | sort | join("; ")) else "none" end')"
    echo "ANSW $path $(spec '.responses["200"].content["application/json"].schema | fields($d) | map(split(" ")[0:3] | join(" ")) | join("; ")')"
    echo "COAN $path $(code '.answer | to_entries | map("\(.key) \(.value.type) \(.value.required)") | sort | join("; ")')"
    echo "STRI $path $(spec 'if .requestBody then (.requestBody.content["application/json"].schema | resolve($d) | .additionalProperties) else "false" end')"
    echo "KEYS $path $(spec '[.parameters[]? | resolve($d) | .name] | sort | join(" ")')"
    echo "DEFA $path $(spec '.responses.default["$ref"]')"
done >"$T/compared"
is "every route was compared" "$(grep -c '^BODY' "$T/compared")" "$(jq '.routes | length' "$T/code.json")"
while read -r _ path rest; do
    is "$path: the body's fields" "$rest" "$(grep -F "CODE $path " "$T/compared" | cut -d' ' -f3-)"
    is "$path: the answer's fields" "$(grep -F "ANSW $path " "$T/compared" | cut -d' ' -f3-)" "$(grep -F "COAN $path " "$T/compared" | cut -d' ' -f3-)"
    is "$path: no other fields" "$(grep -F "STRI $path " "$T/compared" | cut -d' ' -f3-)" false
    keys=''
    [ "$rest" = none ] || keys="Idempotency-Key"
    case $path in *'{id}'*) keys="$keys id" ;; esac
    is "$path: its parameters" "$(grep -F "KEYS $path " "$T/compared" | cut -d' ' -f3-)" "$keys"
    like "$path: it may be refused" "$(grep -F "DEFA $path " "$T/compared")" "responses/Refused"
done < <(grep '^BODY' "$T/compared")

# ---- docs/API.md
while IFS=$'\t' read -r method path; do
    ok "API.md describes $method $path" grep -qxF "## $method $path" "$ROOT/docs/API.md"
done < <(jq -r '.routes[] | [.method, .path] | @tsv' "$T/code.json")
is "API.md lists every refusal with its status, and no other" "$(sed -n 's/^| \([0-9]*\) | `\([a-z-]*\)` |.*/\1 \2/p' "$ROOT/docs/API.md" | sort)" \
    "$(jq -r '.problems[] | "\(.status) \(.code)"' "$T/code.json" | sort)"
for field in $(jq -r '.routes[].body // {} | keys[]' "$T/code.json" | sort -u); do
    ok "API.md names the field $field" grep -qE "\`$field\`|\"$field\"" "$ROOT/docs/API.md"
done

# ---- what is really answered
portal_conf
need "a portal is set up" caportal init
applications CA-1
portal_up
station alpha
properties() { jq -r --arg s "$1" '.components.schemas[$s].properties | keys | sort | join(" ")' "$T/spec.json"; }
api alpha GET /v1/health
is "health answers with the fields it should" "$(field 'keys | sort | join(" ")')" "$(properties Health)"
api alpha POST /v1/claim "$CLAIM"
is "a claim has the fields it should" "$(field '.claims[0] | keys | sort | join(" ")')" "$(properties Claim)"
api alpha POST /v1/applications/CA-1/renew '{"generation": 5}'
is "a refusal has the fields it should" "$(field 'keys | sort | join(" ")')" "$(properties Problem)"
is "its type is made of its code" "$(field '.type')" "urn:castation:problem:$(field .code)"
done_testing
