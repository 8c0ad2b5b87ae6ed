#!/bin/bash
# What came of an application: its certificate in words and as files; what may be taken away, and by whom; papers to stamp.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
. "$(dirname "$0")/pages.sh"

portal_pages_conf 'ca_chain = "chain.pem";'
need "a portal is set up" caportal init --sample
for user in first:first_reviewer operator:operator finance:finance auditor:auditor; do
    need "there is ${user%%:*}" web_user "${user%%:*}@example.com" "员工${user%%:*}" "${user#*:}"
done
need "there is an applicant" web_user a@corp.com 王小明 applicant --organisation-kind enterprise --organisation 杭州示例科技有限公司 --uscc 91330100799655058B
portal_up
station bench-1

# ---- a CA, and one of another name whose certificate lies beside it
# shellcheck disable=SC2317 # by need
ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" -utf8 -subj "/C=CN/O=$1" -days 30 -out "$T/$1.pem" 2>/dev/null; }
need "a CA is made" ca 示例根
need "and another" ca 他人
cat "$T/他人.pem" "$T/示例根.pem" >"$T/chain.pem"
report() { # GENERATION SERIAL → body
    cat >"$T/extensions" <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation
extendedKeyUsage = clientAuth
1.2.156.10260.4.1.4 = ASN1:PRINTABLESTRING:91330100799655058B
END
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/token.key" -utf8 -subj "/C=CN/O=$ORGANISATION/CN=$ORGANISATION" \
        -out "$T/token.csr" 2>/dev/null
    openssl x509 -req -in "$T/token.csr" -CA "$T/示例根.pem" -CAkey "$T/示例根.key" -set_serial "0x$2" -days 30 -extfile "$T/extensions" \
        -out "$T/made.pem" 2>/dev/null
    jq -n --argjson generation "$1" --rawfile certificate "$T/made.pem" --arg serial "$2" --arg token "TOKEN-$2" \
        '{generation: $generation, token_serial: $token, certificate: $certificate, certificate_serial: $serial, key_id: "0a0b0c", product: "softhsm"}'
}
applications CA20261122-0001
A=CA20261122-0001
api bench-1 POST /v1/claim "$CLAIM"
GENERATION=$(field .claims[0].generation)
in_as() { web_as "$1" && need "$1 logs in" web_login "$1@example.com" "$PASSWORD" "$T/$1@example.com.totp"; }
for staff in first operator finance auditor; do in_as "$staff"; done
web_as a
need "the applicant logs in" web_login a@corp.com "$PASSWORD"

# ---- before, and after
web_as auditor
web_get "/applications/$A/certificate"
is "before it is made its page says so" "$STATUS $(web_shown 还没有证书 && echo said)" "200 said"
web_get "/applications/$A/certificate/certificate.pem"
is "and there is no file" "$STATUS" 404
api bench-1 POST "/v1/applications/$A/report" "$(report "$GENERATION" 5b797d0a8d2b9da8)"
is "the station reports it made" "$STATUS $(state "$A")" "200 made"
[ "$STATUS" = 200 ] || diag "$BODY"
web_get "/applications/$A/certificate"
sha256=$(openssl x509 -in "$T/made.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
sha1=$(openssl x509 -in "$T/made.pem" -noout -fingerprint -sha1 | sed 's/.*=//')
for said in 有效 5B:79:7D:0A:8D:2B:9D:A8 "$sha256" "$sha1" 'P-256 (256 位)' '数字签名' '抗抵赖' '客户端身份验证' 91330100799655058B \
    '机构 (O)：杭州示例科技有限公司' '机构 (O)：示例根' TOKEN-5b797d0a8d2b9da8; do
    ok "the page says $said" web_shown "$said"
done
nok "but nothing of a CA that did not sign it" web_shown 他人
web_get /language/en
web_get "/applications/$A/certificate"
ok "in English as well" web_shown 'Elliptic curve P-256 (256 bits)'
web_get /language/zh

# ---- as files
web_get "/applications/$A/certificate/certificate.cer"
is "DER is what was signed" "$(openssl x509 -inform DER -in "$T/.page" -noout -fingerprint -sha256 | sed 's/.*=//')" "$sha256"
is "and is saved, never shown" "$(web_header Content-Disposition | cut -d';' -f1)" attachment
web_get "/applications/$A/certificate/certificate.pem"
is "so is PEM" "$(openssl x509 -in "$T/.page" -noout -fingerprint -sha256 | sed 's/.*=//')" "$sha256"
web_get "/applications/$A/certificate/chain.pem"
is "the chain is the certificate and its CA" "$(grep -c 'BEGIN CERTIFICATE' "$T/.page")" 2
ok "which verifies it" openssl verify -CAfile "$T/.page" "$T/made.pem"
cat "$T/token.key" "$T/他人.pem" >"$T/chain.pem"
web_get "/applications/$A/certificate/chain.pem"
is "a CA that did not sign it makes no chain" "$STATUS" 404
web_get "/applications/$A/certificate"
is "nor does it spoil the page" "$STATUS" 200
for wrong in certificate.key ..%2fserver.key chain certificate.PEM; do
    web_get "/applications/$A/certificate/$wrong"
    is "there is no $wrong" "$STATUS" 404
done
web_as a
web_get "/applications/$A/certificate"
is "another organisation sees nothing" "$STATUS" 404

# ---- taken away: by whom, and how much of it
export_as() { web_as "$1" && web_get "/applications/$A/export/$2"; }
export_as first csv
ok "a reviewer takes all of it" web_shown '"13800000000"'
ok "with the certificate's serial number" web_shown '"5b797d0a8d2b9da8"'
is "as CSV that Excel reads" "$(head -c 3 "$T/.page" | od -An -tx1 | tr -d ' ')" efbbbf
export_as operator csv
ok "an operator needs the address" web_shown 13800000000
export_as auditor csv
nok "an auditor gets it masked" web_shown 13800000000
ok "but not less" web_shown '"138****0000"'
export_as finance csv
is "finance has no business with it" "$STATUS" 403
export_as auditor exe
is "there are three kinds" "$STATUS" 404
export_as first xlsx
is "as a workbook, all of it text" "$(/usr/bin/python3 -c 'import sys, openpyxl
s = openpyxl.load_workbook(open(sys.argv[1], "rb")).active
print({c.data_type for r in s.rows for c in r if c.value is not None}, any(c.value == "杭州示例科技有限公司" for r in s.rows for c in r))' "$T/.page")" "{'s'} True"
export_as auditor pdf
pdftotext -layout "$T/.page" "$T/form.txt"
ok "as a form to stamp, in Chinese" grep -q 杭州示例科技有限公司 "$T/form.txt"
ok "with a place for the seal" grep -q 公章 "$T/form.txt"
nok "masked, too" grep -q 13800000000 "$T/form.txt"
is "and each was written down" "$(sqlite3 "$T/portal.db" "SELECT who || ' ' || detail FROM audit WHERE what = 'export' ORDER BY at, id")" \
    "user:first@example.com csv, all
user:operator@example.com csv, delivery
user:auditor@example.com csv, masked
user:first@example.com xlsx, all
user:auditor@example.com pdf, masked"

# ---- an applicant's own, with whatever was typed
web_as a
web_post /apply terms=1
B=$(sed -n 's,^/applications/\([^/]*\)/.*,\1,p' <<<"$LOCATION")
need "a draft is begun" test -n "$B"
web_post "/applications/$B/form/people" 'legal_representative==HYPERLINK("http://x","y")' agent=yes \
    agent_name='<b>钱代办</b>' agent_id_number=11010519491231002X agent_mobile=13900000001 go=save
web_get "/applications/$B/export/csv"
ok "a formula is defused" web_shown "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""
ok "one's own is not masked" web_shown 11010519491231002X
web_get "/applications/$B/authorisation.pdf"
pdftotext -layout "$T/.page" "$T/letter.txt"
ok "the letter of authorisation is filled in" grep -q 11010519491231002X "$T/letter.txt"
ok "as it was typed" grep -q '<b>钱代办</b>' "$T/letter.txt"
web_get /apply/authorisation.pdf
pdftotext -layout "$T/.page" "$T/blank.txt"
ok "there is a blank one" grep -q '＿＿＿＿' "$T/blank.txt"
web_as nobody
web_get /apply/authorisation.pdf
like "for who is logged in" "$STATUS $LOCATION" '^303 /login'

# ---- void
api bench-1 POST "/v1/applications/$A/void" '{"generation": '"$GENERATION"', "certificate_serial": "5b797d0a8d2b9da8", "reason": "broken"}'
web_as auditor
web_get "/applications/$A/certificate"
is "a void one is shown as such" "$STATUS $(web_shown 已作废 && echo void)" "200 void"
done_testing
