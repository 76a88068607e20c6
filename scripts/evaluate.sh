#!/usr/bin/env bash
# Measures quality: scripts/evaluate.sh BOXWOOD_BINARY quick|full
# SETS: the folder of data sets (../shared/eval). OUT: where predictions and the page go; a begun measurement goes on.
# quick: a few rows of several sets, stopped after 15 minutes. full: every set; problems and tables at every effort.
set -euo pipefail
cd "$(dirname "$0")/.."
BOXWOOD=${1:?usage: scripts/evaluate.sh BOXWOOD_BINARY quick|full}
KIND=${2:?usage: scripts/evaluate.sh BOXWOOD_BINARY quick|full}
SETS=${SETS:-../shared/eval}
[ -d "$SETS" ] || { echo "There are no data sets in $SETS: name their folder in SETS."; exit 1; }
BOXWOOD_COMMIT=$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null || true)
export BOXWOOD_COMMIT
OUT=${OUT:-${BOXWOOD_CACHE:-$HOME/.cache/boxwood}/eval/$KIND-${BOXWOOD_COMMIT:0:12}}
mkdir -p "$OUT"
BUDGET=${BUDGET:-870}
BEGIN=$SECONDS

# run SET EFFORT [LIMIT]: without an effort (-) the agent's default holds.
run() {
  local set=$1 effort=$2 limit=${3:-} name=$1 arguments=()
  [ -f "$SETS/$set/dev.jsonl" ] || { echo "skipped: $SETS/$set"; return 0; }
  [ "$effort" = - ] || { name=$set-$effort; arguments+=(--effort "$effort"); }
  [ -z "$limit" ] || arguments+=(--limit "$limit")
  local command=("$BOXWOOD" eval "$SETS/$set" --out "$OUT/$name.jsonl" "${arguments[@]}")
  local status=0
  if [ "$KIND" = quick ]; then
    local left=$((BUDGET - (SECONDS - BEGIN)))
    [ "$left" -gt 0 ] || { echo "no time left for $name"; return 0; }
    # An interrupt ends a run in good order after the rows that are written.
    timeout --signal=INT --kill-after=20 "$left" "${command[@]}" || status=$?
  else
    "${command[@]}" || status=$?
  fi
  case $status in
    0 | 124) ;;
    130) [ "$KIND" = quick ] || exit 130 ;;
    *) echo "failed: $name ($status)" ;;
  esac
}

case $KIND in
  quick)
    run robustness - 10
    run squad2 - 6
    run gsm8k baseline 4
    run gsm8k medium 4
    run mmlu_science medium 4
    run bbh_date_arith medium 4
    run humaneval medium 3
    run tatqa - 4
    run einvoice_pdf - 1
    run sroie - 1
    run jsonschemabench - 3
    ;;
  full)
    for set in gsm8k math500 mmlu_science bbh_date_arith humaneval tatqa finqa; do
      for effort in baseline low medium high; do run "$set" "$effort"; done
    done
    for set in squad2 nq_multidoc hotpotqa_multidoc needle uda_pdf mtrag_un jsquad cmrc2018 sroie einvoice_pdf extractbench \
      jsonschemabench robustness; do run "$set" -; done
    ;;
  *) echo "quick or full, not $KIND"; exit 1 ;;
esac

shopt -s nullglob
mapfile -t runs < <(for file in "$OUT"/*.jsonl; do [ -s "$file" ] && echo "$file"; done)
[ ${#runs[@]} -gt 0 ] || exit 1
"$BOXWOOD" eval report "${runs[@]}" --html "$OUT/report.html"
if [ "$KIND" = full ]; then
  claims=()
  for file in "${runs[@]}"; do
    case $file in *-baseline.jsonl | *-low.jsonl | *-medium.jsonl | *-high.jsonl) claims+=("$file") ;; esac
  done
  "$BOXWOOD" eval report "${claims[@]}" --keep eval/reports >/dev/null
fi
