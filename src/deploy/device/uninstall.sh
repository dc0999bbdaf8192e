#!/bin/sh
# Removes every release of this bundle's folder, engines included, and the folder if nothing else is in it.
# Usage: sh uninstall.sh [DIR]     DIR: where install.sh put it (default: where this script is installed)
# Exit code: 0, 2 usage, 5 it cannot be removed.
set -eu

fail() {
  code=$1
  shift
  echo "uninstall: $*" >&2
  exit "$code"
}

# A shell reads a script while it runs it: this one is read as a whole before it removes itself.
main() {
  case "${1-}" in
    -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) fail 2 "unknown option '$1': see --help" ;;
  esac
  here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
  dir=${1:-$here/../..}
  dir=$(CDPATH='' cd -- "$dir" && pwd -P) || fail 2 "there is no folder '${1-}'"
  [ -f "$dir/.edet" ] || fail 2 "$dir holds no installed bundle: give the folder that install.sh was given"
  # From here on nothing is left that could be run.
  cd "$dir"
  rm -rf current previous .current.new .previous.new incoming inputs .power releases .edet ||
    fail 5 "cannot remove everything in $dir: who installed it?"
  cd /
  if rmdir "$dir" 2>/dev/null; then
    echo "uninstall: $dir is removed"
  else
    echo "uninstall: the bundle is removed; $dir stays, for it holds other files"
  fi
  exit 0
}
main "$@"
