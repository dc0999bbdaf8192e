#!/bin/sh
# Installs the bundle that this script lies in, beside what is installed already, and switches to it.
#
# Usage: sh install.sh [--build] [DIR]       DIR: where to (default: ~/edet/NAME-OF-THE-MODEL)
#        sh install.sh --rollback [DIR]      back to the release that was there before
#   --build   build the parser library here, with make and g++, instead of taking the one of the bundle
#
# Makes DIR/releases/ID, tests it, and only then lets DIR/current point to it: at any moment DIR/current is
# a release that passed its test. The same bundle again changes nothing. DIR/previous is the one before;
# older ones are removed. EDET_LAUNCHER: a command to run the parser library with (an emulator).
# Exit code: 0, 2 usage, 3 the bundle is damaged, 4 this device cannot run it, 5 it cannot be written.
set -eu

fail() {
  code=$1
  shift
  echo "install: $*" >&2
  exit "$code"
}
say() { echo "install: $*"; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
library=libnvdsinfer_efficientdet.so
[ -f "$here/bundle.env" ] || fail 3 "bundle.env is missing in $here: unpack the bundle again"
# shellcheck source=/dev/null
. "$here/bundle.env"

build='' rollback='' dir=''
for argument in "$@"; do
  case "$argument" in
    --build) build=yes ;;
    --rollback) rollback=yes ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) fail 2 "unknown option '$argument': see --help" ;;
    *)
      [ -z "$dir" ] || fail 2 "one folder only: '$dir' or '$argument'"
      dir=$argument
      ;;
  esac
done
dir=${dir:-$HOME/edet/$EDET_MODEL}

# link NAME TARGET: DIR/NAME points to TARGET, at once; readers see the old or the new one, never none.
link() {
  rm -rf "$dir/.$1.new"
  { ln -s "$2" "$dir/.$1.new" && mv -fT "$dir/.$1.new" "$dir/$1"; } || fail 5 "cannot write $dir/$1"
}
verify() { (cd "$1" && sha256sum --check --quiet SHA256SUMS) >&2; }
load_test() {
  # shellcheck disable=SC2086  # a command and its arguments
  (cd "$1/model" && ${EDET_LAUNCHER-} "./$library") >"$1/.load_test" 2>&1 && return
  tail -n 5 "$1/.load_test" >&2
  return 1
}

# One at a time; the lock is gone with the process, however it ends.
mkdir -p "$dir" || fail 5 "cannot make $dir"
dir=$(CDPATH='' cd -- "$dir" && pwd -P)
if [ ! -e "$dir/.edet" ]; then
  for name in current previous releases; do
    if [ -e "$dir/$name" ] || [ -L "$dir/$name" ]; then
      fail 5 "$dir/$name is there already and not of an edet bundle: give another folder"
    fi
  done
  echo "edet bundles are installed here: DIR/current/uninstall.sh removes them" >"$dir/.edet" || fail 5 "cannot write in $dir"
fi
exec 9>>"$dir/.edet" || fail 5 "cannot write in $dir"
if command -v flock >/dev/null; then
  flock -n 9 || fail 5 "another install is at work in $dir"
fi

old=$(readlink "$dir/current" || true)
if [ -n "$rollback" ]; then
  before=$(readlink "$dir/previous" || true)
  { [ -n "$before" ] && [ -d "$dir/$before" ]; } || fail 4 "there is no release before this one in $dir"
  load_test "$dir/$before" || fail 4 "$dir/$before fails its test: nothing was changed"
  link current "$before"
  link previous "$old"
  say "current is $before again; it was $old"
  exit 0
fi

verify "$here" || fail 3 "files of the bundle are damaged or missing: copy it again"
[ "$(uname -m)" = "$EDET_ARCH" ] || fail 4 "the bundle is for $EDET_ARCH, this machine is $(uname -m)"

# The release's name: its content's. A damaged one of that name is left alone and another made.
id=$(sha256sum <"$here/SHA256SUMS" | cut -c 1-16)${build:+-built}
release=releases/$id
number=1
while [ -d "$dir/$release" ] && ! verify "$dir/$release"; do
  say "$release is damaged: not used"
  number=$((number + 1))
  release=releases/$id-$number
done

if [ -d "$dir/$release" ]; then
  say "$release is there already"
  load_test "$dir/$release" || fail 4 "its parser library fails its test: nothing was changed"
else
  new=$dir/releases/.new
  { mkdir -p "$dir/releases" && rm -rf "$new"; } || fail 5 "cannot write in $dir/releases"
  # What an earlier, broken run left is gone now; on failure this one leaves nothing.
  trap 'rm -rf "$new"' EXIT
  trap 'exit 1' HUP INT TERM
  # A bundle that lies in DIR/incoming is there for this: hard links need no space.
  case "$here/" in
    "$dir"/incoming/*) cp -Rl "$here" "$new" 2>/dev/null || { rm -rf "$new" && cp -R "$here" "$new"; } ;;
    *) cp -R "$here" "$new" ;;
  esac || fail 5 "cannot write $new: is the disk full?"
  if [ -n "$build" ]; then
    for tool in make "${CXX:-g++}"; do command -v "$tool" >/dev/null || fail 4 "--build needs $tool: sudo apt install build-essential"; done
    make -s -C "$new/source/src/parser/library" "BUILD=$new/source/build" >&2 || fail 4 "the parser library cannot be built here"
    rm -f "$new/model/$library" && cp "$new/source/build/$library" "$new/model/$library" && rm -rf "$new/source/build"
    sum=$(cd "$new" && sha256sum "model/$library")
    sed "s|^.*  model/$library\$|$sum|" "$here/SHA256SUMS" >"$new/SHA256SUMS.new" && mv -f "$new/SHA256SUMS.new" "$new/SHA256SUMS"
  fi
  verify "$new" || fail 5 "what was copied to $new differs: is the disk full or failing?"
  load_test "$new" || fail 4 "the parser library fails its test on this device: try --build; nothing was changed"
  # The same model needs no new engine: TensorRT takes minutes for one.
  if [ -n "$old" ] && cmp -s "$dir/$old/model/model.onnx" "$new/model/model.onnx"; then
    for engine in "$dir/$old"/model/*.engine; do
      [ ! -f "$engine" ] || { cp -l "$engine" "$new/model/" 2>/dev/null || cp -p "$engine" "$new/model/"; } || fail 5 "cannot write $new"
    done
  fi
  sync -f "$new" 2>/dev/null || sync
  mv -T "$new" "$dir/$release" || fail 5 "cannot write $dir/$release"
  trap - EXIT
fi

if [ "$old" = "$release" ]; then
  say "current is $release already: nothing to do"
else
  [ -z "$old" ] || link previous "$old"
  link current "$release"
  say "current is $release${old:+; it was $old}"
fi

previous=$(readlink "$dir/previous" || true)
for folder in "$dir"/releases/*; do
  name=releases/${folder##*/}
  [ "$name" = "$release" ] || [ "$name" = "$previous" ] || { rm -rf "$folder" && say "removed $name"; }
done
say "ready: $dir/current/run.sh"
