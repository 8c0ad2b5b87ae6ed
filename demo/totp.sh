#!/bin/bash
# totp.sh NAME: the present code of an account of the demo that runs (make totp USER=NAME). The secret is read by
# oathtool from its file, and is never an argument.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${DEMO:-build/demo}/secrets/totp
name=${1-}
name=${name%@castation.example}
if [[ ! $name =~ ^[a-z0-9]+$ ]] || [ ! -f "$folder/$name" ]; then
    echo "totp: no account \"$name\" with a second factor${folder:+ in $folder}" >&2
    [ -d "$folder" ] && echo "totp: there are: $(cd "$folder" && echo *)" >&2 || echo "totp: start the bench first: make run" >&2
    exit 1
fi
exec oathtool --base32 --totp - <"$folder/$name"
