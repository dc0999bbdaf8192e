# Takes a tar of small files, each under its hash, into the folder $1. Exit code 7: one arrived damaged.
# shellcheck shell=sh
mkdir -p "$1/incoming/files" || exit 5
[ -e "$1/.edet" ] || echo "edet bundles are installed here: DIR/current/uninstall.sh removes them" >"$1/.edet" || exit 5
cd "$1/incoming" || exit 5
rm -rf pack && mkdir pack && tar -xf - -C pack || exit 5
cd pack || exit 5
for file in *; do printf '%s  %s\n' "$file" "$file"; done | sha256sum --check --quiet >&2 || exit 7
mv -f -- * ../files/ && cd .. && rmdir pack
