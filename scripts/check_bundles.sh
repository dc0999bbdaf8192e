#!/usr/bin/env bash
# All 15 models for Xavier (JetPack 4.6 and 5.1.2) and Orin (JetPack 6.1): converted, bundled, unpacked, their configs
# checked by `edet config lint` for the platform, the hashes by sha256sum. Weights are untrained: their size is that
# of trained ones. Prints a table for docs/deploy.md: size of the bundle, and unpacked.
#
# Usage: scripts/check_bundles.sh [--models "d0 d1 ..."] [--work FOLDER]
# Needs the presets release and jetson built. Exit code: 0, or 1 where anything failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

models="d0 d1 d2 d3 d4 d5 d6 d7 d7x lite0 lite1 lite2 lite3 lite3x lite4"
targets=(xavier-jp4.6 xavier-jp5 orin-jp6)
work=""
while [ "$#" -gt 0 ]; do
  case "$1" in
    --models) models="$2" && shift 2 ;;
    --work) work="$2" && shift 2 ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit 2 ;;
  esac
done
edet="$PWD/build/release/bin/edet"
library="$PWD/build/jetson/lib/libnvdsinfer_efficientdet.so"
for file in "$edet" "$library"; do
  [ -f "$file" ] || { echo "edet: $file is missing: build the presets release and jetson" >&2 && exit 4; }
done
[ -n "$work" ] || { work="$(mktemp -d)" && trap 'rm -rf "$work"' EXIT; }
mkdir -p "$work"

failed=0
fail() {
  echo "FAILED $*" >&2
  failed=1
}

# check MODEL TARGET: prints the row's cell.
check() {
  local model="$1" target="$2" folder="$work/$1-$2" bundle="$work/$1-$2.tar.zst" unpacked
  "$edet" -q convert "$work/$model" --model "$model" --target "$target" -o "$folder" || { fail "convert $model $target" && return 1; }
  "$edet" -q bundle "$folder" --target "$target" --parser-library "$library" -o "$bundle" || { fail "bundle $model $target" && return 1; }
  mkdir -p "$work/unpacked" && tar -xf "$bundle" -C "$work/unpacked"
  unpacked="$(echo "$work"/unpacked/*)"
  (cd "$unpacked" && sha256sum --check --quiet SHA256SUMS) || fail "hashes $model $target"
  # The folder that `edet deploy --run` makes for the detections. Notes are allowed: what may be meant.
  mkdir "$unpacked/kitti"
  for config in deepstream_app.txt deepstream_measure.txt; do
    "$edet" config lint --target "$target" --fail-on warning "$unpacked/model/$config" >"$work/lint.log" 2>&1 || { fail "lint $model $target $config" && cat "$work/lint.log" >&2; }
  done
  printf ' %s, %s |' "$(megabytes "$(stat -c %s "$bundle")")" "$(megabytes "$(find "$unpacked" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')")"
  rm -rf "$work/unpacked" "$folder" "$bundle"
  return "$failed"
}
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }

echo "| model |$(printf ' %s |' "${targets[@]}")"
echo "| --- |$(printf ' --- |%.0s' "${targets[@]}")"
for model in $models; do
  "$edet" -q untrained --model "$model" -o "$work/$model"
  row="| $model |"
  for target in "${targets[@]}"; do row="$row$(check "$model" "$target")" || failed=1; done
  echo "$row"
  rm -rf "${work:?}/$model"
done
exit "$failed"
