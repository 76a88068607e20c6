#!/usr/bin/env bash
# Runs the official SDKs against a Boxwood server: the test files that the Node SDK ships, unmodified, and our own test
# files over the official Python SDK.
#
#   tests/sdk/run.sh node|python [file…]
#
# The server and its identity come from the environment (`crates/boxwood/tests/program/sdk.rs` sets it for a server that it
# starts; `eval "$(tests/sdk/environment.sh DATA_FOLDER HTTPS_ADDRESS)"` does for one that runs already):
#   BOXWOOD_SDK_HTTPS    host:port of the HTTPS listener
#   BOXWOOD_SDK_CA       the server's CA certificate, PEM
#   JWT_CONFIG_BASE_64, CLIENT_ID, CLIENT_SECRET, USER_ID, ENTERPRISE_ID    as Box's own test runs name them
#
# Packages are installed once, by their lock files, below the cache folder (BOXWOOD_CACHE, else ~/.cache/boxwood).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${BOXWOOD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/boxwood}/sdk"
suite="${1:?which suite: node or python}"
shift
for name in BOXWOOD_SDK_HTTPS BOXWOOD_SDK_CA JWT_CONFIG_BASE_64 CLIENT_ID CLIENT_SECRET USER_ID ENTERPRISE_ID; do
  [ -n "${!name:-}" ] || { echo "set $name (see the head of $0)" >&2; exit 2; }
done

# Installs into a folder, unless it was done for these very lock files.
installed() { [ -f "$1/installed" ] && [ "$(cat "$1/installed")" = "$2" ]; }

case "$suite" in
  node)
    work="$cache/node"
    mark="$(cat "$here/node/package.json" "$here/node/package-lock.json" | sha256sum)"
    if ! installed "$work" "$mark"; then
      mkdir -p "$work"
      cp "$here/node/package.json" "$here/node/package-lock.json" "$here/node/.npmrc" "$work/"
      (cd "$work" && npm ci --ignore-scripts --no-progress >&2)
      printf '%s' "$mark" > "$work/installed"
    fi
    export BOXWOOD_SDK_WORK="$work"
    export NODE_EXTRA_CA_CERTS="$BOXWOOD_SDK_CA"
    export NODE_OPTIONS="--require=$here/node/redirect-hosts.cjs"
    exec node "$here/node/run.cjs" "$@"
    ;;
  python)
    work="$cache/python"
    mark="$(sha256sum < "$here/python/requirements.txt")"
    if ! installed "$work" "$mark"; then
      python3 -m venv "$work/venv"
      "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt" >&2
      printf '%s' "$mark" > "$work/installed"
    fi
    export REQUESTS_CA_BUNDLE="$BOXWOOD_SDK_CA"
    export BOXWOOD_SDK_URL="https://localhost:${BOXWOOD_SDK_HTTPS##*:}"
    export PYTHONDONTWRITEBYTECODE=1
    cd "$here/python"
    if [ $# -eq 0 ]; then exec "$work/venv/bin/python" -m unittest discover -v; fi
    exec "$work/venv/bin/python" -m unittest -v "$@"
    ;;
  *)
    echo "which suite: node or python, not $suite" >&2
    exit 2
    ;;
esac
