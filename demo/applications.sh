#!/bin/bash
# applications.sh N [FROM]: N applications as JSON; with FROM (at least 1) made-up ones from that number on.
set -euo pipefail
cd "$(dirname "$0")/.."
exec jq -n --argjson n "${1:?how many}" --argjson from "${2:-0}" --slurpfile samples samples/applications.json \
    -f demo/applications.jq
