/* One good application, and its content hash as another program computed it. */
#ifndef CASTATION_TESTS_SAMPLE_H
#define CASTATION_TESTS_SAMPLE_H

#define SAMPLE_APPLICATION                                                                                               \
    "{\"id\": \"CA20261122-0001\",\n"                                                                                    \
    " \"organisation\": {\"name\": \"杭州示例科技有限公司\", \"identifier_kind\": \"USCC\",\n"                 \
    "   \"identifier\": \"91330100799655058B\", \"country\": \"CN\", \"province\": \"浙江省\",\n"                     \
    "   \"locality\": \"杭州市\"},\n"                                                                                 \
    " \"registration_authority\": {\"region\": \"浙江省杭州市\", \"name\": \"杭州市市场监督管理局\"},\n" \
    " \"profile\": \"org-sign-p256\", \"validity_days\": 365,\n"                                                         \
    " \"delivery\": {\"method\": \"mail\", \"name\": \"张三\", \"phone\": \"13800000000\",\n"                          \
    "   \"region\": \"浙江省杭州市西湖区\", \"address\": \"文三路 1 号\"}}\n"
#define SAMPLE_SHA256 "5863c4725f05774582cb31cf818beff7e49aa92206503796bd6cae437f9488cf"

#endif
