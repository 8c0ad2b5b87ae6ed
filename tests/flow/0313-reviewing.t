#!/bin/bash
# From the queue to 已发证 by those who review, take the money and hand over: two reviewers, stale pages, returns, refunds.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
. "$(dirname "$0")/pages.sh"

portal_pages_conf ""
need "a portal is set up" caportal init --sample
for user in first:first_reviewer second:first_reviewer final:final_reviewer both:first_reviewer,final_reviewer \
    operator:operator finance:finance auditor:auditor; do
    need "there is ${user%%:*}" web_user "${user%%:*}@example.com" "员工${user%%:*}" "${user#*:}"
done
organisation() { # NAME IN THE ADDRESS, NAME, USCC
    need "there is $1" web_user "$1@corp.com" 王小明 applicant --organisation-kind enterprise --organisation "$2" --uscc "$3"
}
organisation a 杭州示例科技有限公司 91330100799655058B
organisation b 深圳甲公司 914403001922038216
organisation c 福州乙公司 91350100M000100Y43
portal_up
station bench-1

# ---- as a person would: pages and forms, nothing else
in_as() { # NAME DOMAIN
    web_as "$1"
    if [ "$2" = corp.com ]; then need "$1 logs in" web_login "$1@$2" "$PASSWORD"; else need "$1 logs in" web_login "$1@$2" "$PASSWORD" "$T/$1@$2.totp"; fi
}
png() { # FILE N: a picture of its own
    perl -MCompress::Zlib -e 'my $n = shift; sub chunk { my ($t, $d) = @_; pack("N", length $d) . $t . $d . pack("N", crc32($t . $d)) }
        binmode STDOUT; my $row = "\0" . chr($n) x 60; print "\x89PNG\r\n\x1a\n" . chunk("IHDR", pack("NNCCCCC", 20, 20, 8, 2, 0, 0, 0)) .
        chunk("IDAT", compress($row x 20)) . chunk("IEND", "")' "$2" >"$T/$1"
}
section() { # ID SECTION FIELD…: it leads to the next
    local id=$1 section=$2
    shift 2
    web_post "/applications/$id/form/$section" "$@" go=next
    [ "$STATUS" = 303 ] || diag "$section: $STATUS $(grep -o 'class="error"[^<]*<' <<<"$BODY" | head -5)"
    [ "$STATUS" = 303 ]
}
upload() { # ID KIND FILE
    web_csrf "/applications/$1/form/materials"
    web_send POST "/applications/$1/materials" -F "csrf=$CSRF" -F "kind=$2" -F "file=@$T/$3;type=image/png"
    [ "$STATUS" = 303 ]
}
fill() { # ID DELIVERY…
    local id=$1 n=$((RANDOM % 200)) kind
    shift
    section "$id" organisation authority_province=330000 authority_city=330100 authority_district=330106 \
        authority_name=杭州市西湖区市场监督管理局 profile=org-sign-p256 validity_days=365 || return
    section "$id" people legal_representative=陈建国 agent=no || return
    for kind in licence representative_id application_form; do
        n=$((n + 1))
        png "$kind.png" "$n"
        upload "$id" "$kind" "$kind.png" || return
    done
    section "$id" delivery "$@"
}
MAIL=(delivery_method=mail delivery_name=李晓梅 delivery_phone=13812345678 delivery_province=330000 delivery_city=330100
    delivery_district=330106 "delivery_address=文三路 100 号")
DELIVERY=("${MAIL[@]}")
apply() { # NAME → ID
    web_as "$1"
    web_post /apply terms=1
    ID=$(sed -n 's,^/applications/\([^/]*\)/.*,\1,p' <<<"$LOCATION")
    [ -n "$ID" ] && fill "$ID" "${DELIVERY[@]}" && web_post "/applications/$ID/form/check" go=submit && [ "$STATUS" = 303 ]
}
hidden() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" <<<"$BODY" | head -1; }
decide() { # ID DECISION [FIELD…]: as the page asks
    local id=$1 decision=$2 sha stage
    shift 2
    web_get "/applications/$id/review"
    sha=$(hidden review_sha256) stage=$(hidden stage)
    web_post "/applications/$id/review" "review_sha256=$sha" "stage=$stage" "decision=$decision" "$@"
}
pay() { # ID
    local order
    web_as finance
    web_get "/finance/orders?number=$1"
    order=$LOCATION
    web_post "$order" amount="${2:-200.00}" "reference=REF-$1" "paid_date=$(TZ=Asia/Shanghai date -d '-1 hour' +%F)" "paid_time=$(TZ=Asia/Shanghai date -d '-1 hour' +%H:%M)"
}
for staff in first second final both operator finance auditor; do in_as "$staff" example.com; done
for applicant in a b c; do in_as "$applicant" corp.com; done

# ---- money
need "an organisation applies" apply a
A=$ID
is "it waits for its fee" "$(state "$A")" awaiting_payment
web_as finance
web_get "/finance/orders?number=$A"
ORDER=$LOCATION
like "a transfer's memo leads to its order" "$ORDER" '^/finance/orders/'
web_get "$ORDER"
AMOUNT=$(sed -n 's/.*<strong>¥\([0-9.,]*\)<.*/\1/p' <<<"$BODY")
like "which says the amount" "$AMOUNT" '^[0-9,]+\.[0-9][0-9]$'
now_date=$(TZ=Asia/Shanghai date +%F)
for wrong in 1.234 abc 1e3 -5 '' 0x10 1.; do
    web_post "$ORDER" "amount=$wrong" reference=R1 "paid_date=$now_date" paid_time=00:00
    is "an amount of '$wrong' is refused" "$STATUS $(state "$A")" "422 awaiting_payment"
done
web_post "$ORDER" amount=0.01 reference=R1 "paid_date=$now_date" paid_time=00:00
is "so is one that is not the order's" "$STATUS $(web_shown 金额与订单不一致 && echo said)" "422 said"
web_post "$ORDER" "amount=$AMOUNT" reference=R1 paid_date=2099-01-01 paid_time=00:00
is "and one of the future" "$STATUS $(web_shown 不能晚于现在 && echo said)" "422 said"
web_post "$ORDER" "amount=$AMOUNT" reference=R1 "paid_date=$now_date" paid_time=24:00
is "and one of no hour" "$STATUS" 422
web_post "$ORDER" "amount=$AMOUNT" reference=R1 "paid_date=$now_date" paid_time=00:00
is "the right one is confirmed" "$STATUS $LOCATION $(state "$A")" "303 $ORDER first_review"
web_post "$ORDER" "amount=$AMOUNT" reference=R1 "paid_date=$now_date" paid_time=00:00
is "twice is once" "$STATUS $(state "$A")" "303 first_review"
need "another applies" apply b
B=$ID
web_as finance
web_get "/finance/orders?number=$B"
web_post "$LOCATION" "amount=$AMOUNT" reference=R1 "paid_date=$now_date" paid_time=00:00
is "one transfer does not pay two orders" "$STATUS $(state "$B")" "422 awaiting_payment"
pay "$B" "¥$AMOUNT"
is "its own does" "$STATUS $(state "$B")" "303 first_review"

# ---- first review
web_as first
web_get /review/first
is "the queue has both" "$STATUS $(grep -c "/applications/[^\"]*/review" <<<"$BODY")" "200 2"
ok "with the time that is left" web_shown 个工作日
web_get "/applications/$A/review"
is "the page shows it" "$STATUS" 200
ok "with the checks" web_shown 校验位正确
ok "the phone is masked" web_shown '138****5678'
nok "not shown" web_shown 13812345678
web_as auditor
web_get "/applications/$A/review"
is "an auditor sees it" "$STATUS $(web_shown 'name="decision"' || echo reads)" "200 reads"
FORM=/account web_post "/applications/$A/review" decision=approve stage=first review_sha256=x
is "and decides nothing" "$STATUS" 403
FORM=/account web_post "/applications/$A/reveal" field=delivery_phone from=review
is "what is revealed is shown once" "$STATUS $(web_shown 13812345678 && echo shown)" "200 shown"
web_get "/applications/$A/review"
nok "and not the next time" web_shown 13812345678
is "who looked is noted" "$(sqlite3 "$T/portal.db" "SELECT who || ' ' || what || ' ' || detail FROM audit WHERE subject = '$A' AND what = 'reveal'")" \
    "user:auditor@example.com reveal delivery_phone"
web_as first
decide "$A" ""
is "no decision is refused" "$STATUS $(web_shown 请选择处理结果 && echo said)" "422 said"
decide "$A" return
is "a return without a reason is refused" "$STATUS $(state "$A")" "422 first_review"
decide "$A" reject "note=  "
is "so is a rejection without one" "$STATUS $(state "$A")" "422 first_review"
decide "$A" return reason_material_licence=nonsense "text_legal_representative=<b>姓名</b>与执照不符" note=
is "a return names its fields" "$STATUS $LOCATION $(state "$A")" "303 /review/first returned"
web_get "/applications/$A/review"
ok "what was typed is shown as typed" web_shown '&lt;b&gt;姓名&lt;/b&gt;与执照不符'
DUE=$(sqlite3 "$T/portal.db" "SELECT promise_due FROM application WHERE id = '$A'")
web_as a
need "the applicant corrects it" section "$A" people legal_representative=陈建军 agent=no
web_post "/applications/$A/form/check" go=submit
is "and submits again, without paying" "$STATUS $(state "$A")" "303 first_review"
is "in its old place" "$(sqlite3 "$T/portal.db" "SELECT promise_due FROM application WHERE id = '$A'")" "$DUE"

# ---- two at once, and pages that are old
web_as first
web_get "/applications/$A/review"
SHA=$(hidden review_sha256)
web_csrf /account && FIRST_CSRF=$CSRF
web_as second
web_csrf /account && SECOND_CSRF=$CSRF
at_once() { # NAME CSRF DECISION
    curl -s -o "$T/once.$1" -w '%{http_code}' -b "$T/$1.jar" --data-urlencode "csrf=$2" --data-urlencode "decision=$3" --data stage=first \
        --data "review_sha256=$SHA" --data-urlencode "note=太晚的意见" "http://127.0.0.1:$PAGES/applications/$A/review" >"$T/code.$1"
}
at_once first "$FIRST_CSRF" approve &
ONE=$!
at_once second "$SECOND_CSRF" reject &
TWO=$!
wait "$ONE" "$TWO"
is "of two reviewers at once one is taken" "$(cat "$T/code.first" "$T/code.second" | tr -d '\n' | sed 's/409303/303409/')" 303409
is "and one decision is on the record" "$(sqlite3 "$T/portal.db" "SELECT count(*) FROM review WHERE application = '$A' AND decision <> 'return'")" 1
loser=$([ "$(cat "$T/code.first")" = 409 ] && echo first || echo second)
like "the other is told" "$(cat "$T/once.$loser")" 审核意见未提交
like "and reads what was typed" "$(cat "$T/once.$loser")" 太晚的意见
if [ "$(state "$A")" = rejected ]; then # the rejection was quicker: go on with a fresh one
    web_as a
    need "it applies anew" apply a
    A=$ID
    pay "$A" "$AMOUNT"
    web_as first
    decide "$A" approve
fi
is "it is at its final review" "$(state "$A")" final_review
web_as first
web_post "/applications/$A/review" decision=approve stage=first "review_sha256=$SHA"
like "a second click changes nothing" "$STATUS $(state "$A")" '^(303|409) final_review$'

web_as b
web_get "/applications/$B"
web_as first
web_get "/applications/$B/review"
OLD=$(hidden review_sha256)
decide "$B" return reason_legal_representative=wrong
web_as b
need "the other corrects its own" section "$B" people legal_representative=赵四 agent=no
web_post "/applications/$B/form/check" go=submit
web_as first
web_post "/applications/$B/review" decision=approve stage=first "review_sha256=$OLD"
is "a decision about content that has changed is not taken" "$STATUS $(state "$B")" "409 first_review"
ok "and says so" web_shown 申领内容已变更
web_as both
decide "$B" approve
is "about the present content it is" "$STATUS $(state "$B")" "303 final_review"

# ---- final review
web_get "/applications/$B/review"
is "the first reviewer sees why he may not decide" "$(web_shown 您曾参与本申领的初审 && echo said) $(web_shown 'name="decision"' || echo hidden)" "said hidden"
FORM=/account web_post "/applications/$B/review" decision=reject stage=final review_sha256=x note=no
is "and cannot" "$STATUS $(state "$B")" "422 final_review"
FORM=/account web_post "/applications/$B/review" decision=approve stage=first "review_sha256=$OLD"
is "nor by the page of the first review" "$(state "$B")" final_review
web_as final
web_get /review/final
is "the queue has both" "$STATUS $(grep -c "/applications/[^\"]*/review" <<<"$BODY")" "200 2"
ok "no clock runs yet" web_shown 未计时
web_get "/review/final?number=$(tr '[:upper:]' '[:lower:]' <<<"$A")"
is "a scanned number leads to its application" "$LOCATION" "/applications/$A/review#paper"
web_get "/review/final?number=CA0-NONE"
is "an unknown one is said" "$STATUS $(web_shown 没有此编号 && echo said)" "422 said"
decide "$A" approve
is "without the paper nothing is approved" "$STATUS $(state "$A")" "422 final_review"
web_post "/applications/$A/paper" number= from=review
is "the paper has a number" "$STATUS" 422
FORM=/review/final web_post "/applications/$A/paper" number=SF1234567890123 from=queue
is "it is noted from the queue" "$STATUS $LOCATION" "303 /review/final"
FORM=/review/final web_post "/applications/$A/paper" number=SF1234567890123 from=queue
is "twice is once" "$STATUS" 303
web_get /review/final
ok "the clock runs" web_shown SF1234567890123
decide "$A" approve
is "then it is approved" "$STATUS $LOCATION $(state "$A")" "303 /review/final approved"
web_post "/applications/$A/review" decision=approve stage=final "review_sha256=$SHA"
is "a second click finds it so" "$STATUS $(state "$A")" "303 approved"
web_as a
FORM=/account web_post "/applications/$A/paper" number=1
is "an applicant notes no paper" "$STATUS" 403

# ---- a station makes it; the operator hands it over
api bench-1 POST /v1/claim "$CLAIM"
is "the station claims it" "$(field '.claims[0].application.id')" "$A"
GENERATION=$(field .claims[0].generation)
api bench-1 POST "/v1/applications/$A/fail" "{\"generation\": $GENERATION, \"code\": \"pin-locked\", \"detail\": \"bay 3: <locked>\"}"
is "it fails first" "$(state "$A")" failed
web_as operator
web_get /bench
is "the operator sees it, and what the station said" "$STATUS $(web_shown 'bay 3: &lt;locked&gt;' && echo said)" "200 said"
FORM="/applications/$A/handover" web_post "/applications/$A/retry" reason=
is "a retry has a reason" "$STATUS $(state "$A")" "422 failed"
FORM="/applications/$A/handover" web_post "/applications/$A/retry" reason=已更换
is "with one it is queued" "$STATUS $(state "$A")" "303 approved"
FORM=/account web_post "/applications/$A/retry" reason=已更换
is "twice is once" "$STATUS $(state "$A")" "303 approved"
api bench-1 POST /v1/claim "$CLAIM"
GENERATION=$(field .claims[0].generation)
api bench-1 POST "/v1/applications/$A/report" "$(made bench-1 "$A" "$GENERATION" 0123456789abcdef)"
is "the station reports it made" "$STATUS $(state "$A")" "200 made"
web_get "/applications/$A/handover"
ok "the bench page shows the token to compare" web_shown TOKEN-0123456789abcdef
SEEN=$(sed -n 's/.*name="certificate" value="\([^"]*\)".*/\1/p' <<<"$BODY" | head -1)
nok "the phone stays masked" web_shown 13812345678
web_post "/applications/$A/reveal" field=delivery_phone from=handover
FORM="/applications/$A/handover" web_post "/applications/$A/reveal" field=delivery_phone from=handover
is "until it is asked for" "$STATUS $(web_shown 13812345678 && echo shown)" "200 shown"
web_post "/applications/$A/handover" act=offer certificate="$SEEN"
is "what goes by mail is not picked up" "$(state "$A")" made
web_post "/applications/$A/handover" act=post certificate=0123 carrier=SF number=SF1
is "nor is another token than the one looked at handed over" "$(state "$A")" made
web_post "/applications/$A/handover" act=post certificate="$SEEN" carrier=nobody number=1
is "an unknown carrier is refused" "$STATUS" 422
web_post "/applications/$A/handover" act=post certificate="$SEEN" carrier=SF "number=$(printf 'SF1\u202e2')"
is "so is a number that reads backwards, at its field" "$STATUS $(web_shown 'href="#f-number"' && echo there)" "422 there"
web_post "/applications/$A/handover" act=post certificate="$SEEN" carrier=SF number=
is "so is no number" "$STATUS" 422
web_post "/applications/$A/handover" act=post certificate="$SEEN" carrier=SF number=ODD-1
is "an odd number is asked about" "$STATUS $(state "$A") $(web_shown 请再核对承运商和单号 && echo asked)" "422 made asked"
web_post "/applications/$A/handover" act=post certificate="$SEEN" carrier=SF number=ODD-2 unusual=ODD-1
is "and so is another odd one" "$STATUS $(state "$A")" "422 made"
web_post "/applications/$A/handover" act=post certificate="$SEEN" carrier=SF number=ODD-1 unusual=ODD-1
is "sent again it is taken, for it was scanned" "$STATUS $(state "$A")" "303 issued"
FORM=/account web_post "/applications/$A/handover" act=post certificate="$SEEN" carrier=SF number=ODD-1 unusual=ODD-1
is "twice is once" "$STATUS $(state "$A")" "303 issued"
web_as a
web_get "/applications/$A"
is "the applicant reads 已发证" "$STATUS $(web_shown 已发证 && echo said)" "200 said"
is "and the carrier in words, overview and history" "$(grep -c '顺丰速运' <<<"$BODY")" 2
web_get "/applications/$A/export/csv"
ok "in an export, too" web_shown '顺丰速运 ODD-1'

# ---- rejected: the fee goes back
web_as final
decide "$B" reject note=材料不实
is "a rejection" "$STATUS $(state "$B")" "303 rejected"
web_as finance
web_get "/finance/orders?state=refund_due"
ORDER=$(grep -o '/finance/orders/[0-9A-Za-z_]*' <<<"$BODY" | tail -1)
web_get "/finance/orders?number=$B"
ORDER=$LOCATION
web_get "$ORDER"
ok "makes a refund due" web_shown 登记退款
web_post "$ORDER" refund_reference=
is "which has a reference" "$STATUS" 422
web_post "$ORDER" refund_reference=BACK-1
is "and is noted" "$STATUS" 303
web_post "$ORDER" refund_reference=BACK-1
is "twice is once" "$STATUS" 303
is "the order is refunded" "$(sqlite3 "$T/portal.db" "SELECT o.state FROM payment_order AS o WHERE o.application = '$B'")" refunded

# ---- money that comes too late; a token that is picked up
REJECTED=$B
need "the other applies anew" apply b
B=$ID
web_post "/applications/$B/withdraw" reason=不办了 sure=yes
is "and withdraws before it pays" "$STATUS $(state "$B")" "303 withdrawn"
web_get "/applications/$B/submitted"
is "whose page of success is no more" "$STATUS $LOCATION" "303 /applications/$B"
web_as finance
web_get "/finance/orders?number=$B"
ORDER=$LOCATION
web_post "$ORDER" "amount=$AMOUNT" reference=LATE-1 "paid_date=$now_date" paid_time=00:00
is "a transfer that comes all the same" "$STATUS $(state "$B")" "303 withdrawn"
is "is due for refund" "$(sqlite3 "$T/portal.db" "SELECT state FROM payment_order WHERE application = '$B'")" refund_due
POINT=$(sqlite3 "$T/portal.db" "SELECT id FROM service_point LIMIT 1")
DELIVERY=(delivery_method=pickup "pickup_point=$POINT")
need "one wants to pick up" apply c
C=$ID
pay "$C" "$AMOUNT"
web_as second
decide "$C" approve
web_as both
FORM="/applications/$C/review" web_post "/applications/$C/paper" number=P-1 from=review
is "the paper is noted on the review page" "$STATUS $LOCATION" "303 /applications/$C/review"
decide "$C" approve
is "whoever has both roles decides about another's" "$STATUS $(state "$C")" "303 approved"
api bench-1 POST /v1/claim "$CLAIM"
api bench-1 POST "/v1/applications/$C/report" "$(made bench-1 "$C" "$(field .claims[0].generation)" 00aa00aa 福州乙公司)"
is "it is made" "$STATUS $(state "$C")" "200 made"
web_as operator
web_get "/applications/$C/handover"
SEEN=$(sed -n 's/.*name="certificate" value="\([^"]*\)".*/\1/p' <<<"$BODY" | head -1)
is "no parcel is offered" "$(web_shown 'value="post"' && echo post) $(web_shown 'value="offer"' && echo offer)" " offer"
web_post "/applications/$C/handover" act=pick_up certificate="$SEEN" note=王
is "before it is there nobody picks it up" "$(state "$C")" made
web_post "/applications/$C/handover" act=offer certificate="$SEEN"
is "it is ready" "$STATUS $(state "$C")" "303 ready_for_pickup"
web_post "/applications/$C/handover" act=pick_up certificate="$SEEN" note=
is "whoever comes has a name" "$STATUS" 422
web_post "/applications/$C/handover" act=pick_up certificate="$SEEN" note=王小明
is "and takes it" "$STATUS $(state "$C")" "303 issued"

# ---- lists
web_as auditor
web_get "/applications?q=$(jq -rn '"示例科技"|@uri')"
is "a name is searched for" "$STATUS $(web_shown "$A" && echo there)$(web_shown "$REJECTED" && echo wrong)" "200 there"
web_get "/applications?q=TOKEN-0123456789ABCDEF"
ok "so is a token" web_shown "$A"
web_get "/applications?q=$(jq -rn '"示"|@uri')"
is "one character is refused in words" "$STATUS $(web_shown '至少输入 2 个字' && echo said)" "422 said"
web_get "/applications?from=2026-02-30"
is "and a day that is none" "$STATUS" 422
web_get "/applications?cursor=1.CA-1.00000000"
is "and a link that was edited" "$STATUS $(web_shown 翻页链接已失效 && echo said)" "422 said"
web_get "/applications?state=rejected"
is "a state is a filter" "$(web_shown "$REJECTED" && echo there)$(web_shown "$A" && echo wrong)" there
web_get "/applications.csv?state=rejected"
is "the list is a file" "$STATUS $(web_shown "\"$REJECTED\"" && echo there)$(web_shown "$A" && echo wrong)" "200 there"
web_get "/applications.exe"
is "of two kinds" "$STATUS" 404
web_as finance
web_get /applications.csv
is "not for finance" "$STATUS" 403
done_testing
