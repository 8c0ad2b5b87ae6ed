# The people of a bench: one of each role, two reviewers of each kind, two organisations. Sourced after bench.sh.
#
# Passwords are random: $BENCH/accounts.txt (0600), NAME EMAIL PASSWORD ROLES a line. Second factors: $BENCH/secrets/totp/NAME.
# shellcheck shell=bash

#   name         roles            who
BENCH_PEOPLE='
    first        first_reviewer   王初审
    first2       first_reviewer   李初审
    final        final_reviewer   赵终审
    final2       final_reviewer   钱终审
    operator     operator         孙制证
    finance      finance          周财务
    auditor      auditor          吴审计
    admin        administrator    郑管理'

# Readable, and 60 bits: three groups of four of Crockford's base 32.
bench_password() {
    local text
    text=$(od -An -N12 -tu1 /dev/urandom | awk '{for (i = 1; i <= NF; i++) printf "%s", substr("0123456789abcdefghjkmnpqrstvwxyz", $i % 32 + 1, 1)}')
    echo "${text:0:4}-${text:4:4}-${text:8:4}"
}
# NAME ROLES PERSON [OPTIONS of caportal user add…]: NAME@castation.example
bench_account() {
    local name=$1 roles=$2 person=$3 email=$1@castation.example password
    shift 3
    (umask 077 && mkdir -p "$BENCH/secrets/totp") || return 1
    password=$(bench_password)
    [ "$roles" = applicant ] || set -- --totp-file "$BENCH/secrets/totp/$name" "$@"
    (umask 077 && echo "$password" >"$BENCH/secrets/$name.password") &&
        caportal user add "$email" --name "$person" --role "$roles" --password-file "$BENCH/secrets/$name.password" "$@" ||
        return 1
    rm -f "$BENCH/secrets/$name.password"
    (umask 077 && printf '%-12s %-32s %s  %s\n' "$name" "$email" "$password" "$roles" >>"$BENCH/accounts.txt")
}
bench_accounts() {
    local name roles person
    while read -r name roles person; do
        [ -z "$name" ] || bench_account "$name" "$roles" "$person" || return 1
    done <<<"$BENCH_PEOPLE"
    bench_account enterprise applicant 张三 --organisation-kind enterprise \
        --organisation 杭州示例科技有限公司 --uscc 91330100799655058B &&
        bench_account institution applicant 李四 --organisation-kind institution --organisation ""
}
# A place to pick tokens up at, entered on the pages by an administrator who is there for nothing else. After pages.sh.
bench_point() {
    bench_account setup administrator 初始化 && pages_login setup && pages_get setup /admin/points &&
        pages_post setup /admin/points id= name=市民服务中心示例网点 region=浙江省杭州市 "address=上城区解放东路 18 号" phone=0571-12345678 \
            "hours=工作日 9:00-17:00" || return 1
    sed -i '/^setup /d' "$BENCH/accounts.txt"
    rm -f "$BENCH/secrets/totp/setup"
    caportal user disable setup@castation.example
}
