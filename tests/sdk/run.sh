#!/usr/bin/env bash
# Runs Box clients against a Boxwood server.
#
#   tests/sdk/run.sh node [--model|file…]       the test files that the Node SDK ships, unmodified
#   tests/sdk/run.sh python [--model|module…]   our own test files over the official Python SDK
#   tests/sdk/run.sh frameworks [module…]       langchain-box and llama-index-readers-box, which name Box's hosts
#   tests/sdk/run.sh snippets                   every code block of docs/clients.md
#   tests/sdk/run.sh schema                     schemathesis over what the server says it serves
#   tests/sdk/run.sh install                    only installs what the others need
#
# `--model` runs what asks the model, nothing what doesn't.
#
# The server and its identity come from the environment (`crates/boxwood/tests/program/sdk.rs` sets it for a server that it
# starts; `eval "$(tests/sdk/environment.sh DATA_FOLDER HTTPS_ADDRESS HTTP_ADDRESS)"` does for one that runs already):
#   BOXWOOD_SDK_HTTP, BOXWOOD_SDK_HTTPS    host:port of the two listeners
#   BOXWOOD_SDK_CA                         the server's CA certificate, PEM
#   JWT_CONFIG_BASE_64, CLIENT_ID, CLIENT_SECRET, USER_ID, ENTERPRISE_ID    as Box's own test runs name them
#
# Packages are installed once, by their lock files, below the cache folder (BOXWOOD_CACHE, else ~/.cache/boxwood).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${BOXWOOD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/boxwood}/sdk"
suite="${1:?which suite: node, python, frameworks, snippets, schema or install}"
shift
mkdir -p "$cache"

# Whether a folder holds what these very lock files ask for.
installed() { [ -f "$1/installed" ] && [ "$(cat "$1/installed")" = "$2" ]; }

install_node() {
  local work="$cache/node" mark
  mark="$(cat "$here/node/package.json" "$here/node/package-lock.json" | sha256sum)"
  installed "$work" "$mark" && return
  mkdir -p "$work"
  cp "$here/node/package.json" "$here/node/package-lock.json" "$here/node/.npmrc" "$work/"
  (cd "$work" && npm ci --ignore-scripts --no-progress >&2)
  printf '%s' "$mark" > "$work/installed"
}

# install_venv NAME: a virtual environment by NAME/requirements.txt.
install_venv() {
  local work="$cache/$1" mark
  mark="$(sha256sum < "$here/$1/requirements.txt")"
  installed "$work" "$mark" && return
  rm -rf "$work/venv"
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/$1/requirements.txt" >&2
  printf '%s' "$mark" > "$work/installed"
}

# install NAME…: one after the other, also when two test runs start at once.
install() {
  (
    flock 9
    for name in "$@"; do
      case "$name" in
        node) install_node ;;
        *) install_venv "$name" ;;
      esac
    done
  ) 9> "$cache/lock"
}

# Before the server's CA takes the place of the machine's own: packages come from elsewhere.
case "$suite" in
  install)
    install node python frameworks schema
    exit
    ;;
  snippets) install node python frameworks ;;
  node | python | frameworks | schema) install "$suite" ;;
  *)
    echo "no suite is called $suite (see the head of $0)" >&2
    exit 2
    ;;
esac

for name in BOXWOOD_SDK_HTTP BOXWOOD_SDK_HTTPS BOXWOOD_SDK_CA JWT_CONFIG_BASE_64 CLIENT_ID CLIENT_SECRET USER_ID ENTERPRISE_ID; do
  [ -n "${!name:-}" ] || { echo "set $name (see the head of $0)" >&2; exit 2; }
done
# A proxy of the machine is none for a server on loopback.
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
export REQUESTS_CA_BUNDLE="$BOXWOOD_SDK_CA"
export BOXWOOD_SDK_URL="https://localhost:${BOXWOOD_SDK_HTTPS##*:}"
export PYTHONDONTWRITEBYTECODE=1

case "$suite" in
  node)
    export BOXWOOD_SDK_WORK="$cache/node"
    export NODE_EXTRA_CA_CERTS="$BOXWOOD_SDK_CA"
    export NODE_OPTIONS="--require=$here/node/redirect-hosts.cjs"
    exec node "$here/node/run.cjs" "$@"
    ;;
  python)
    cd "$here/python"
    python="$cache/python/venv/bin/python"
    case "${1:-}" in
      "") exec "$python" -m unittest discover -v ;;
      --model) exec "$python" -m unittest discover -v -p 'answers_*.py' ;;
      *) exec "$python" -m unittest -v "$@" ;;
    esac
    ;;
  frameworks)
    cd "$here/frameworks"
    export PYTHONPATH="$here/frameworks/redirect"
    [ $# -gt 0 ] || set -- test_langchain test_llama_index
    exec "$cache/frameworks/venv/bin/python" -m unittest -v "$@"
    ;;
  snippets)
    exec python3 "$here/snippets.py" "$cache"
    ;;
  schema)
    cd "$here/schema"
    exec "$cache/schema/venv/bin/python" check.py "$@"
    ;;
esac
