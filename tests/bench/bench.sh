#!/usr/bin/env bash
# Processor time of the proxy per keep-alive request and per new tunnel, beside haproxy and squid. OAUTHTAP names the binary; bench.mjs does the work.
set -euo pipefail
PATH=$PATH:/usr/sbin
exec node "$(dirname "${BASH_SOURCE[0]}")/bench.mjs" "$@"
