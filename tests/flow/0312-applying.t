#!/bin/bash
# An organisation applies: terms, the form, materials, payment, withdrawing. What is wrong is said and kept, what is
# hostile is shown as text or refused, what is done twice is done once.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
. "$(dirname "$0")/pages.sh"

portal_pages_conf ''
need "a portal is set up" caportal init --sample
need "there is an enterprise" web_user a@corp.com 王小明 applicant --organisation-kind enterprise --organisation 杭州示例科技有限公司 --uscc 91330100799655058B
need "there is another" web_user b@corp.com 李四 applicant --organisation-kind enterprise --organisation 深圳甲公司 --uscc 914403001922038216
need "there is an institution without a code" web_user c@corp.com 张三 applicant --organisation-kind institution --organisation ""
portal_up
db() { sqlite3 -cmd '.timeout 10000' "$T/portal.db" "$@"; }

# ---- files
perl -MCompress::Zlib -e '
    my $dir = shift;
    sub put { open my $out, ">:raw", "$dir/$_[0]" or die; print $out $_[1]; close $out or die }
    sub chunk { my ($t, $d) = @_; pack("N", length $d) . $t . $d . pack("N", crc32($t . $d)) }
    sub png { "\x89PNG\r\n\x1a\n" . chunk("IHDR", pack("NNCCCCC", 2, 2, 8, 0, 0, 0, 0)) . $_[0] .
        chunk("IDAT", compress("\0" x 6)) . chunk("IEND", "") }
    my $pdf = "%%PDF-1.4\n%s\nstartxref\n9\n%%%%EOF\n";
    put("good.png", png("")); put("second.png", png(chunk("tEXt", "a\0second")));
    put("good.pdf", sprintf $pdf, "1 0 obj<</Type/Catalog>>endobj");
    put("script.pdf", sprintf $pdf, "1 0 obj<</S/J#61vaScript/JS(app.alert(1))>>endobj");
    put("zip.png", png("") . "PK\5\6" . "\0" x 18); put("zip-inside.png", png(chunk("tEXt", "PK\5\6" . "\0" x 18)));
    put("html.png", png(chunk("tEXt", "a\0<html><script>alert(1)</script>")));
    put("page.png", "<html><script>alert(1)</script></html>"); put("program.pdf", "MZ\x90\0" x 100); put("empty.png", "");
    put("cut.png", substr(png(""), 0, -3)); put("large.png", png("") . " " x (10 << 20));
    put("huge.png", "x" x (40 << 20))' "$T"

section() { # ID SECTION FIELD…
    local id=$1 section=$2
    shift 2
    web_post "/applications/$id/form/$section" "$@"
}
upload() { # ID KIND FILE [NAME]
    web_csrf "/applications/$1/form/materials"
    web_send POST "/applications/$1/materials" -F "csrf=$CSRF" -F "kind=$2" -F "file=@$T/$3;filename=\"${4:-$3}\";type=image/png"
}
errors() { grep -oE 'id="e-[a-z_]+">[^<]+' <<<"$BODY" | sed 's/id="e-//; s/">.*//' | sort | tr '\n' ' '; }
value() { db "SELECT json_extract(form, '\$.$2') FROM application WHERE id = '$1'"; }
files() { db "SELECT count(*) FROM material WHERE application = '$1'"; }

# ---- before the form
web_as a
need "the enterprise logs in" web_login a@corp.com "$PASSWORD"
web_get /certificates
ok "the certificates' page offers to apply" web_shown 'href="/apply"'
web_get /apply
ok "the terms stand first" web_shown 'CA 证书申领与使用协议'
ok "with a blank letter of authorisation" web_shown 'href="/apply/authorisation.pdf"'
web_post /apply terms=99
is "terms of another version are to be read again" "$STATUS $LOCATION" "303 /apply"
is "and begin nothing" "$(db 'SELECT count(*) FROM application')" 0
web_post /apply terms=1
ID=$(sed -n 's,^/applications/\([^/]*\)/form/organisation$,\1,p' <<<"$LOCATION")
like "agreeing begins a draft" "$ID" '^CA[0-9]{8}-[0-9A-Z]{8}$'
is "and it is kept who agreed to which version" "$(db "SELECT g.terms || ' ' || a.email FROM agreement g JOIN account a ON a.id = g.account WHERE g.application = '$ID'")" "1 a@corp.com"
web_get /apply
ok "that one is under way is said before the form" web_shown '已有一份申领正在办理'
nok "and nothing can be agreed to" web_shown 'name="terms"'
web_post /apply terms=1
is "a second one is not begun" "$STATUS $LOCATION $(db 'SELECT count(*) FROM application')" "303 /certificates 1"
web_get /workbench
ok "the workbench shows it" web_shown "/applications/$ID/form/organisation"

# ---- the form
web_get "/applications/$ID/form/organisation"
ok "the identifier is filled in from the account" web_shown 'value="91330100799655058B"'
section "$ID" organisation authority_province=330000 go=cascade
is "without JavaScript a province is sent by itself" "$STATUS" 303
web_get "/applications/$ID/form/organisation"
ok "then its cities can be chosen" web_shown '<option value="330100">杭州市</option>'
section "$ID" organisation authority_province=330000 authority_city=330100 authority_district=330106 go=cascade
section "$ID" organisation authority_province=440000 authority_city=330100 authority_district=330106 go=cascade
is "another province empties what was under the first" "$(value "$ID" authority_city)$(value "$ID" authority_district)" ""
web_get '/regions?prefix=delivery&delivery_province=330000&delivery_city=330100'
ok "htmx gets the districts alone" web_shown '<option value="330106">西湖区</option>'
nok "and no page around them" web_shown '<html'
section "$ID" organisation authority_name= name=甲 identifier=91330100799655058X certificate=org-sign-p256:366 go=next
is "what is wrong is shown again" "$STATUS" 422
is "each fault at its field" "$(errors)" "authority_name certificate identifier "
is "and all of it was saved as typed" "$(value "$ID" name) $(value "$ID" identifier) $(value "$ID" validity_days)" "甲 91330100799655058X 366"
section "$ID" organisation authority_province=330000 authority_name=某局 identifier=914403001922038216 certificate=org-sign-p256:365 go=next
is "a code of another account is refused" "$STATUS $(errors)" "422 identifier "
is "and changes nobody's" "$(db "SELECT group_concat(identifier, ' ') FROM (SELECT identifier FROM organisation WHERE identifier <> '' ORDER BY identifier)")" "91330100799655058B 914403001922038216"

# ---- SQL and HTML in every field come back as text
nasty="'\"><script>alert(1)</script>'; DROP TABLE account; -- {{csrf}}"
all="authority_province authority_city authority_district authority_name name identifier profile validity_days
    legal_representative agent agent_name agent_id_number agent_mobile delivery_method delivery_name delivery_phone
    delivery_province delivery_city delivery_district delivery_address pickup_point"
args=()
for key in $all; do args+=("$key=$nasty"); done
for name in organisation people delivery; do
    section "$ID" "$name" "${args[@]}" go=next
    is "nonsense in every field of $name is refused" "$STATUS" 422
    nok "and is no markup there" web_shown '<script>alert'
done
kept=$(value "$ID" legal_representative)
is "it is kept as it was typed" "$kept" "$nasty"
for page in /form/organisation /form/people /form/delivery /form/check ''; do
    web_get "/applications/$ID$page"
    is "…$page can be shown with it" "$STATUS" 200
    nok "without its markup" web_shown '<script>alert'
done
ok "but with its text" web_shown '&lt;script&gt;alert(1)&lt;/script&gt;'
is "and the accounts are all there" "$(db 'SELECT count(*) FROM account')" 3
section "$ID" people $'legal_representative=a\xff\xfeb' go=save
isnt "bytes that are no text are no server error" "${STATUS:0:1}" 5
section "$ID" organisation unknown_key=1 state=issued owner=x go=save
is "keys that the form does not have change nothing" "$(value "$ID" unknown_key)$(db "SELECT state FROM application WHERE id = '$ID'")" draft
web_post "/applications/$ID/form/nonsense" go=save
is "there is no such section" "$STATUS" 404

# ---- rightly
good() { # ID
    section "$1" organisation authority_province=330000 authority_city=330100 authority_district=330106 \
        authority_name=杭州市市场监督管理局 "name=$2" "identifier=$3" certificate=org-sign-p256:365 go=next
    section "$1" people 'legal_representative= 王五 ' agent=yes agent_name=张三 agent_id_number=11010519491231002x agent_mobile=13800000000 go=next
    section "$1" delivery delivery_method=mail delivery_name=王五 delivery_phone=0571-88888888 delivery_province=330000 \
        delivery_city=330100 delivery_district=330106 "delivery_address=文三路 1 号" go=next
}
good "$ID" 杭州示例科技有限公司 91330100799655058b
is "what is right leads on" "$STATUS $LOCATION" "303 /applications/$ID/form/check"
is "spaces at the ends and small letters are mended" "$(value "$ID" legal_representative) $(value "$ID" identifier) $(value "$ID" agent_id_number)" "王五 91330100799655058B 11010519491231002X"
section "$ID" check go=submit
is "without its materials it is not submitted" "$STATUS" 422
is "each that lacks is named, with the way there" "$(grep -o "form/materials?check=1#f-material_[a-z_]*" <<<"$BODY" | sed 's/.*material_//' | tr '\n' ' ')" "licence representative_id application_form authorisation agent_id "
section "$ID" people legal_representative=王六 autosave=1
is "autosave has nothing to show" "$STATUS$BODY" 204
is "but saves" "$(value "$ID" legal_representative)" 王六

# ---- materials
for wrong in script.pdf zip.png zip-inside.png html.png page.png program.pdf cut.png empty.png; do
    upload "$ID" licence "$wrong"
    is "$wrong is refused at its kind" "$STATUS $(errors)" "422 material_licence "
done
upload "$ID" licence large.png
like "a file over 10 MB is refused" "$STATUS" '^(413|422)$'
ok "and it is said why" web_shown '10 MB'
upload "$ID" licence huge.png
is "one that is far too large is not even read" "$STATUS" 413
upload "$ID" passport good.png
is "there is no other kind" "$STATUS" 422
is "nothing of all that was kept" "$(files "$ID")" 0
upload "$ID" licence good.png '../../<script>alert(1)</script>.png'
is "a good one is kept at once" "$STATUS $(files "$ID")" "303 1"
is "its name has lost path and markup" "$(db 'SELECT name FROM material')" 'script.png'
upload "$ID" licence good.png
is "the same one again is the same" "$(files "$ID")" 1
material=$(db 'SELECT id FROM material')
web_get "/applications/$ID/materials/$material"
is "it comes back as it was" "$STATUS $(cmp "$T/.page" "$T/good.png" && echo same)" "200 same"
is "as a picture and nothing else" "$(web_header Content-Type) $(web_header X-Content-Type-Options)" "image/png nosniff"
like "in a sandbox" "$(web_header Content-Security-Policy)" "sandbox"
ok "logging out" web_logout
web_get "/applications/$ID/materials/$material"
isnt "nobody sees it without logging in" "$STATUS" 200
need "the enterprise logs in again" web_login a@corp.com "$PASSWORD"
web_get "/applications/$ID/form/materials"
ok "and finds what was uploaded" web_shown 'script.png'
FORM=/applications/$ID/form/materials web_post "/applications/$ID/materials/$material"
is "it can be removed" "$STATUS $(files "$ID")" "303 0"
for kind in licence representative_id application_form authorisation agent_id; do upload "$ID" "$kind" good.pdf; done
upload "$ID" licence second.png
is "all there is to upload" "$(files "$ID")" 6
material=$(db "SELECT id FROM material WHERE kind = 'agent_id'")

# ---- the session ends in the middle
web_csrf "/applications/$ID/form/people"
db "DELETE FROM session"
web_send POST "/applications/$ID/form/people" -d "csrf=$CSRF" --data-urlencode 'legal_representative=打了一半的名字' -d go=next
like "a form sent after the session leads to the log-in" "$STATUS $LOCATION" '^303 /login'
FORM=$LOCATION web_post "${LOCATION:-/login}" email=a@corp.com "password=$PASSWORD" "next=/applications/$ID/form/people"
web_get "${LOCATION:-/}"
ok "and what was typed is there afterwards" web_shown '打了一半的名字'

# ---- another organisation sees none of it
web_as b
need "the other logs in" web_login b@corp.com "$PASSWORD"
for page in '' /form/organisation /form/check "/materials/$material" /payment /submitted /withdraw /authorisation.pdf /export/pdf; do
    web_get "/applications/$ID$page"
    is "another's …$page is not found" "$STATUS" 404
done
web_post "/applications/$ID/form/organisation" name=乙 go=save
is "nor written" "$STATUS" 404
web_csrf /account
web_send POST "/applications/$ID/materials" -F "csrf=$CSRF" -F kind=licence -F "file=@$T/good.png"
is "nor added to" "$STATUS" 404
web_post "/applications/$ID/materials/$material"
is "nor removed from" "$STATUS $(files "$ID")" "404 6"
web_post "/applications/$ID/withdraw" reason=不是我的 sure=yes
is "nor withdrawn" "$STATUS $(db "SELECT state FROM application WHERE id = '$ID'")" "404 draft"
web_post /apply terms=1
OTHER=$(sed -n 's,^/applications/\([^/]*\)/.*,\1,p' <<<"$LOCATION")
web_get "/applications/$OTHER/materials/$material"
is "a material is not found under one's own application either" "$STATUS" 404

# ---- submitting
web_as a
section "$ID" people legal_representative=王五 go=next
web_get "/applications/$ID/form/check"
ok "all of it is shown once more" web_shown '各项均已填完'
ok "with the fee" web_shown '¥200.00'
web_csrf "/applications/$ID/form/check"
for n in 1 2; do
    curl -s -m 60 -b "$JAR" -o /dev/null -w '%{http_code} %{redirect_url}\n' -d "csrf=$CSRF" -d go=submit "http://127.0.0.1:$PAGES/applications/$ID/form/check" >"$T/submit.$n" &
done
wait $!
wait_for 20 [ -s "$T/submit.1" ]
wait_for 20 [ -s "$T/submit.2" ]
is "sent twice at once, both are answered by a page to go to" "$(cut -c1-3 "$T"/submit.? | tr '\n' ' ')" "303 303 "
is "and it is submitted once" "$(db "SELECT count(*) FROM payment_order") $(db "SELECT count(*) FROM event WHERE what = 'submit'")" "1 1"
section "$ID" check go=submit
is "once more is answered honestly" "$STATUS $LOCATION" "303 /applications/$ID"
web_get "/applications/$ID/form/organisation"
is "the form is closed now: the back button shows the application" "$STATUS $LOCATION" "303 /applications/$ID"
section "$ID" organisation name=另一个名字 go=save
is "what comes late changes nothing" "$(value "$ID" name)" 杭州示例科技有限公司
FORM=/account web_csrf /account
web_send POST "/applications/$ID/materials" -F "csrf=$CSRF" -F kind=licence -F "file=@$T/good.png"
is "no file can be added" "$STATUS $(files "$ID")" "303 6"
web_get "/applications/$ID/payment"
order=$(db 'SELECT id FROM payment_order')
ok "the payment page has the order's number" web_shown "$order"
ok "and the account to pay to" web_shown '0000 0000 0000 0000'
web_get "/applications/$ID/submitted"
is "the result waits for the payment" "$STATUS $LOCATION" "303 /applications/$ID/payment"
web_get "/applications/$ID"
ok "the application's page hides most of an identity number" web_shown '110***********002X'
nok "and never shows all of it" web_shown 11010519491231002X
nok "nor of a phone" web_shown 13800000000
is "the five steps stand on it" "$(grep -o 'class="step step-[a-z]*"' <<<"$BODY" | sed 's/.*step-//; s/"//' | tr '\n' ' ')" "done now todo todo todo "

# ---- withdrawing
web_post "/applications/$ID/withdraw" reason= sure=
is "withdrawing wants a reason and a yes" "$STATUS $(errors)" "422 reason sure "
web_post "/applications/$ID/withdraw" "reason=<b>填错了</b>" sure=yes
is "then it is withdrawn" "$STATUS $(db "SELECT state FROM application WHERE id = '$ID'")" "303 withdrawn"
web_get "/applications/$ID"
nok "the reason is no markup" web_shown '<b>填'
web_post "/applications/$ID/withdraw" reason=再来一次 sure=yes
is "twice is once" "$STATUS $LOCATION" "303 /applications/$ID"
web_post /apply terms=1
isnt "and another may be begun" "$LOCATION" /certificates

# ---- an institution without a code; pickup; free of charge; in English
web_as c
need "the institution logs in" web_login c@corp.com "$PASSWORD"
web_post /apply terms=1
ID=$(sed -n 's,^/applications/\([^/]*\)/.*,\1,p' <<<"$LOCATION")
section "$ID" organisation identifier=zcy000000000001 go=next
like "it cannot choose an identifier of its own" "$STATUS $(errors)" '^422 .*identifier'
section "$ID" organisation name=杭州示例事业单位 identifier= authority_province=330000 authority_name=浙江省机构编制委员会 certificate=org-sign-rsa2048:365 go=save
internal=$(value "$ID" identifier)
like "it gets one when its name was entered" "$internal" '^zcy[0-9]{12}$'
section "$ID" organisation name=杭州示例事业单位二 "identifier=$internal" go=next
is "and keeps it" "$STATUS $(value "$ID" identifier)" "303 $internal"
section "$ID" people legal_representative=陈建国 agent=no go=next
section "$ID" delivery delivery_method=pickup "pickup_point=$(db 'SELECT id FROM service_point LIMIT 1')" go=next
for kind in licence representative_id application_form; do upload "$ID" "$kind" good.png; done
web_get /language/en
web_get "/applications/$ID/form/check"
ok "the page can be read in English" web_shown 'Everything is complete'
ok "it is free of charge" web_shown 'free of charge'
section "$ID" check go=submit
is "and goes to its first review at once" "$STATUS $LOCATION $(db "SELECT state FROM application WHERE id = '$ID'")" "303 /applications/$ID/submitted first_review"
web_get "$LOCATION"
ok "which the result's page says" web_shown 'The application is now in review'
ok "the last step is to pick it up" web_shown 'Pick the token up'
is "the document has the internal identifier as such" "$(db "SELECT json_extract(document, '\$.organisation.identifier_kind') FROM application WHERE id = '$ID'")" INTERNAL
done_testing
