#!/usr/bin/env bash
# Holds requests that Boxwood sent, and replies that its tests' stand-ins gave, against the makers' own libraries.
#
#   tests/hosts/run.sh aws FILE       botocore's signer, service model and event-stream reader
#   tests/hosts/run.sh google FILE    Google's description of Vertex AI, from google-api-python-client
#   tests/hosts/run.sh ibm FILE       the fields that IBM's SDK for watsonx sends
#   tests/hosts/run.sh golden         prints the signatures that the unit tests of the signer expect
#
# FILE holds one exchange a line, as `crates/boxwood-models/tests/clouds/oracle.rs` writes it. Packages are installed once
# below the cache folder (BOXWOOD_CACHE, else ~/.cache/boxwood); nothing of them but what the checks import is run.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="${BOXWOOD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/boxwood}/hosts"
mkdir -p "$work"

install() {
  local mark
  mark="$(sha256sum < "$here/requirements.txt")"
  [ -f "$work/installed" ] && [ "$(cat "$work/installed")" = "$mark" ] && return
  rm -rf "$work/venv"
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt" >&2
  printf '%s' "$mark" > "$work/installed"
}

( flock 9; install ) 9> "$work/lock"
export PYTHONDONTWRITEBYTECODE=1
exec "$work/venv/bin/python" "$here/check.py" "$@"
