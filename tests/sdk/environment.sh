#!/usr/bin/env bash
# Prints the environment of tests/sdk/run.sh for a server that runs already, for `eval`:
#
#   eval "$(tests/sdk/environment.sh ~/.local/share/boxwood 127.0.0.1:8443 127.0.0.1:8020)"
#
# The arguments are the server's data folder, its HTTPS address and its HTTP address.
set -euo pipefail

data="${1:?the data folder of the server}"
https="${2:-127.0.0.1:8443}"
http="${3:-127.0.0.1:8020}"
config="$data/development/box-jwt-config.json"
ca="$(find "$data" -name 'ca.pem' -o -name 'ca.crt' | head -n 1)"

me="$(curl --silent --fail --cacert "$ca" -H 'Authorization: Bearer boxwood-dev-token' "https://$https/2.0/users/me?fields=enterprise")"
read -r user enterprise < <(python3 -c 'import json, sys; me = json.load(sys.stdin); print(me["id"], me["enterprise"]["id"])' <<< "$me")

cat <<ENVIRONMENT
export BOXWOOD_SDK_HTTP='$http'
export BOXWOOD_SDK_HTTPS='$https'
export BOXWOOD_SDK_CA='$ca'
export JWT_CONFIG_BASE_64='$(base64 -w0 < "$config")'
export CLIENT_ID='boxwood-dev'
export CLIENT_SECRET='boxwood-dev-secret'
export USER_ID='$user'
export ENTERPRISE_ID='$enterprise'
ENVIRONMENT
