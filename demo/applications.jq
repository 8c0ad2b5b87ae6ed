# Applications for the demo: the samples first, then as many made-up ones as it takes, all valid.
# jq -n --argjson n 40 --argjson from 0 --slurpfile samples samples/applications.json -f demo/applications.jq
def alphabet: "0123456789ABCDEFGHJKLMNPQRTUWXY" / "";

# 17 characters to 18: GB 32100-2015, the check character.
def uscc:
  . as $code
  | [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28] as $weights
  | ([range(17) | . as $i | $weights[$i] * (alphabet | index($code[$i:$i + 1]))] | add % 31) as $sum
  | $code + alphabet[(31 - $sum) % 31];

def digits($width): tostring | ("0" * ($width - length)) + .;

def places: [
  ["浙江省", "杭州市", "330100"], ["福建省", "厦门市", "350200"], ["广东省", "广州市", "440100"],
  ["四川省", "成都市", "510100"], ["湖北省", "武汉市", "420100"], ["江苏省", "南京市", "320100"]];
def trades: ["软件", "医疗器械", "印刷", "建材", "物流", "办公用品", "餐饮", "环保"];
def forms: ["有限公司", "股份有限公司", "有限责任公司"];
def profiles: ["org-sign-p256", "org-sign-p256", "org-sign-rsa2048"];

def made_up($i):
  places[$i % 6] as [$province, $city, $region]
  | {
      id: "CA20261122-\(1000 + $i | digits(4))",
      organisation: {
        name: "\($city[:-1])虚构第\($i)号\(trades[$i % 8])\(forms[$i % 3])",
        identifier_kind: "USCC",
        identifier: ("91\($region)MA\(2000000 + $i)" | uscc),
        country: "CN", province: $province, locality: $city
      },
      registration_authority: {region: "\($province)\($city)", name: "\($city)市场监督管理局"},
      profile: profiles[$i % 3],
      delivery: (if $i % 2 == 0
        then {method: "mail", name: "经办人\($i)", phone: "138\($i | digits(8))", region: "\($province)\($city)", address: "示例路 \($i) 号"}
        else {method: "pickup", point: "\($city)市民服务中心"} end)
    };

if $from > 0 then [range($from; $from + $n) | made_up(.)]
else $samples[0][:$n] + [range(1; $n - ($samples[0] | length) + 1) | made_up(.)] end
