#!/usr/bin/env bash
# Runs official OpenAI clients against a Boxwood server.
#
#   tests/sdk/openai.sh python       the openai package, OpenAI and AzureOpenAI
#   tests/sdk/openai.sh langchain    langchain-openai, AzureChatOpenAI and AzureOpenAIEmbeddings
#   tests/sdk/openai.sh node         the openai package for Node, OpenAI and AzureOpenAI
#   tests/sdk/openai.sh local        a few questions to a model that really answers, with the openai package
#   tests/sdk/openai.sh install      only installs what the others need
#
# The server comes from the environment; the suites but `local` expect the model of
# `crates/boxwood-server/tests/api/openai_clients.rs`:
#   BOXWOOD_OPENAI_URL      http://host:port
#   BOXWOOD_OPENAI_TOKEN    a token with the scope ai.readwrite
#   BOXWOOD_OPENAI_MODEL    a card of the o-series
#   BOXWOOD_OPENAI_LOCAL    a model that takes temperature and tells probabilities
#
# Packages are installed once, by their lock files, below the cache folder (BOXWOOD_CACHE, else ~/.cache/boxwood).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${BOXWOOD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/boxwood}/sdk"
suite="${1:?which suite: python, langchain, node, local or install}"
mkdir -p "$cache"

# Whether a folder holds what these very lock files ask for.
installed() { [ -f "$1/installed" ] && [ "$(cat "$1/installed")" = "$2" ]; }

install_python() {
  local work="$cache/openai" mark
  mark="$(sha256sum < "$here/openai/requirements.txt")"
  installed "$work" "$mark" && return
  rm -rf "$work/venv"
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/openai/requirements.txt" >&2
  printf '%s' "$mark" > "$work/installed"
}

install_node() {
  local work="$cache/openai-node" mark
  mark="$(cat "$here/openai-node/package.json" "$here/openai-node/package-lock.json" | sha256sum)"
  installed "$work" "$mark" && return
  mkdir -p "$work"
  cp "$here/openai-node/package.json" "$here/openai-node/package-lock.json" "$here/openai-node/.npmrc" "$work/"
  (cd "$work" && npm ci --ignore-scripts --no-progress >&2)
  printf '%s' "$mark" > "$work/installed"
}

# Two test runs may start at once.
exec 9> "$cache/openai.lock"
flock 9
case "$suite" in
  install) install_python; install_node; exit ;;
  node) install_node ;;
  *) install_python ;;
esac
flock -u 9

for name in BOXWOOD_OPENAI_URL BOXWOOD_OPENAI_TOKEN BOXWOOD_OPENAI_MODEL BOXWOOD_OPENAI_LOCAL; do
  [ -n "${!name:-}" ] || { echo "set $name (see the head of $0)" >&2; exit 2; }
done
# A proxy of the machine is none for a server on loopback.
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
# Settings of a person's own must not lead elsewhere.
unset OPENAI_API_KEY OPENAI_BASE_URL OPENAI_API_VERSION AZURE_OPENAI_API_KEY AZURE_OPENAI_ENDPOINT AZURE_OPENAI_AD_TOKEN
export PYTHONDONTWRITEBYTECODE=1

cd "$here/openai"
python="$cache/openai/venv/bin/python"
case "$suite" in
  python) exec "$python" -m unittest -v test_chat test_responses ;;
  langchain) exec "$python" -m unittest -v test_langchain ;;
  local) exec "$python" -m unittest -v local_model ;;
  node)
    # Imports are looked for beside the importing file.
    cp "$here/openai-node/suite.mjs" "$cache/openai-node/suite.mjs"
    cd "$cache/openai-node"
    exec node --test suite.mjs
    ;;
  *) echo "no suite is called $suite (see the head of $0)" >&2; exit 2 ;;
esac
