#!/usr/bin/env bash
# The whole way on this machine: checkpoint -> ONNX and DeepStream configs -> boxes on a real video.
#
# Usage: scripts/demo.sh [--model DIR] [--input VIDEO] [--output DIR] [--frames N]
#   --model DIR    an AutoML EfficientDet checkpoint to convert, or a folder that `edet convert` wrote
#                  (default: models/street, the project's own: people and vehicles)
#   --input VIDEO  what to run on (default: vtest.avi of the package opencv-doc, 96 MB to download once)
#   --output DIR   where results go (default: build/demo)
#   --frames N     stop after N frames (default: the whole video)
# Exit code: as edet's: 0 ok, 2 usage, 3 bad input, 4 something is missing on this machine.
set -euo pipefail

fail() {
  echo "edet: $2" >&2
  exit "$1"
}

model="" input="" output="" frames=""
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 0 ;;
    --model | --input | --output | --frames)
      [ -n "${2-}" ] || fail 2 "option $1 needs a value (scripts/demo.sh): see --help"
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    *) fail 2 "unknown option '$1' (scripts/demo.sh): see --help" ;;
  esac
done
[[ "$frames" =~ ^([1-9][0-9]*)?$ ]] || fail 2 "--frames wants a whole number above 0 (scripts/demo.sh), not '$frames'"
[ -z "$model" ] || [ -e "$model" ] || ls -- "$model".* >/dev/null 2>&1 ||
  fail 3 "no such model ($model): give a checkpoint or a folder that 'edet convert' wrote"
[[ -z "$input" || "$input" == *://* || -r "$input" ]] || fail 3 "no such video ($input): give a file that can be read"

# Paths from the command line belong to the folder the user stands in.
absolute() {
  case "$1" in
    "" | /* | *://*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
  esac
}
model="$(absolute "$model")" input="$(absolute "$input")" output="$(absolute "$output")"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
output="${output:-$root/build/demo}"
edet="$root/build/release/bin/edet"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/edet"

step() { printf '\n== %s\n' "$*"; }

# build/release is shared with scripts/test.sh: a tree that is there keeps its settings.
build() {
  [ -f build/release/build.ninja ] ||
    cmake --preset release -DEDET_BUILD_TESTS=OFF -DEDET_BUILD_BENCH=OFF >build/configure.log 2>&1 ||
    { tail -n 20 build/configure.log >&2 && fail 4 "CMake could not configure the build (build/configure.log)"; }
  cmake --build --preset release --target edet nvdsinfer_efficientdet ||
    fail 70 "the build failed: the messages above say where"
}

# Prints the path of vtest.avi (768x576, 795 frames, people and cars outdoors), which Debian and Ubuntu ship.
street_video() {
  local video="$cache/vtest.avi" folder
  if [ ! -s "$video" ]; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    echo "Fetching vtest.avi out of the package opencv-doc (96 MB, once; kept in $cache)" >&2
    mkdir -p "$cache"
    folder="$(mktemp -d "$cache/fetch.XXXXXX")"
    # On a fresh machine apt has no package lists yet, and only root may fetch them.
    (cd "$folder" && { apt-get download -qq opencv-doc || { update_package_lists && apt-get download -qq opencv-doc; }; }) \
      >"$cache/fetch.log" 2>&1 || { rm -rf "$folder" && return 1; }
    dpkg-deb --fsys-tarfile "$folder"/opencv-doc_*.deb | tar -x -C "$folder" --wildcards '*/vtest.avi*' 2>>"$cache/fetch.log" ||
      { rm -rf "$folder" && return 1; }
    find "$folder" -name 'vtest.avi.gz' -exec gunzip {} +
    find "$folder" -name 'vtest.avi' -type f -exec mv {} "$video" \;
    rm -rf "$folder"
  fi
  [ -s "$video" ] && echo "$video"
}

update_package_lists() {
  if [ "$(id -u)" -eq 0 ]; then apt-get update -qq; else sudo -n apt-get update -qq; fi
}

started=$SECONDS
step "Installing what is missing"
scripts/install_dependencies.sh

step "Building edet (release)"
mkdir -p build
build

step "The video"
drawn=""
if [ -z "$input" ]; then
  if ! input="$(street_video)"; then
    echo "vtest.avi cannot be had here ($cache/fetch.log): drawing a clip instead"
    drawn=yes
    input="$root/build/demo-input/synthetic.mp4"
    mkdir -p "$(dirname "$input")"
    "$edet" synth -o "$input"
  fi
fi
echo "$input"

step "The model"
model="${model:-$root/models/street}"
if [ -f "$model/model.onnx" ]; then
  converted="$model"
  echo "$model is converted already"
else
  converted="$output/model"
  "$edet" convert "$model" -o "$converted"
fi

step "Running it on the CPU"
"$edet" run "$converted/deepstream_app.txt" "$input" -o "$output/run" --contact-sheet "$output/run/contact_sheet.png" \
  --jsonl "$output/run/detections.jsonl" --kitti "$output/run/kitti" ${frames:+--frames "$frames"}

step "Done in $((SECONDS - started)) s. What it wrote:"
find "$output" -maxdepth 2 \( -type f -o -name kitti \) | sort
if [ -n "$drawn" ]; then
  echo "The clip is drawn: a model trained on photographs finds drawings badly or not at all. Give a real one with --input."
fi
