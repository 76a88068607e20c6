#!/usr/bin/env bash
# Installs the system packages that a build (and, with `tests`, the test suite) needs, and tells so. Debian-like systems.
set -euo pipefail

wanted=()
need() { # need PROGRAM PACKAGE…
  local program=$1; shift
  command -v "$program" >/dev/null 2>&1 || wanted+=("$@")
}

need cmake cmake
need clang clang libclang-dev
need c++ g++
need make make
need python3 python3 python3-pip
need pkg-config pkg-config
command -v python3 >/dev/null 2>&1 && { python3 -m pip --version >/dev/null 2>&1 || wanted+=(python3-pip); }
if [ "${1:-build}" = tests ]; then
  need node nodejs
  need npm npm
  need openssl openssl
  need curl curl
  need flock util-linux
  python3 -c 'import venv, ensurepip' 2>/dev/null || wanted+=(python3-venv)
fi
# Scans in Korean and Cyrillic; English, Japanese and Chinese need no package.
need tesseract tesseract-ocr tesseract-ocr-kor tesseract-ocr-rus

# Thumbnails of PDFs in Japanese, Chinese and Korean that do not hold their fonts; without one they show boxes. Nobody is
# asked for a password for it.
if [ ! -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] && [ ! -e /usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf ] \
  && command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" -eq 0 ] || [ ${#wanted[@]} -gt 0 ]; }; then
  wanted+=(fonts-droid-fallback)
fi

[ ${#wanted[@]} -eq 0 ] && exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "boxwood needs: ${wanted[*]}; install them and run this again" >&2; exit 1; }
  as_root=(sudo)
fi
command -v apt-get >/dev/null 2>&1 || { echo "boxwood needs: ${wanted[*]}; install them with your package manager" >&2; exit 1; }
echo "Installing system packages: ${wanted[*]}"
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update -q && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends "${wanted[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"
