# The hashes of what is in the folder $1 already: of the current release, and sent by a run that was stopped.
# A line HASH PATH each; "partial BYTES HASH" for what came half.
# shellcheck shell=sh
cd "$1" 2>/dev/null || exit 0
[ ! -d current/ ] || find current/ -type f ! -name '*.engine' ! -name '.load_test' -exec sha256sum {} +
[ ! -d incoming/files ] || find incoming/files -type f ! -name '*.part' -exec sha256sum {} +
for part in incoming/files/*.part; do
  [ ! -f "$part" ] || printf 'partial %s %s\n' "$(stat -c %s "$part")" "$(basename "$part" .part)"
done
exit 0
