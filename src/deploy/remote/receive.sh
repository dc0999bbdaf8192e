# Appends standard input to the file that shall have the hash $2, in the folder $1, whose size is $3 now and
# shall be $4 at the end. $5: "last", where this is the end. Exit code 6: its size is another; 7: its hash is. What a
# connection left that broke off is kept.
# shellcheck shell=sh
mkdir -p "$1/incoming/files" || exit 5
# As install.sh does: the folder is ours from now on, and uninstall.sh may remove it.
[ -e "$1/.edet" ] || echo "edet bundles are installed here: DIR/current/uninstall.sh removes them" >"$1/.edet" || exit 5
part=$1/incoming/files/$2.part
[ "$3" != 0 ] || rm -f "$part"
[ "$(stat -c %s "$part" 2>/dev/null || echo 0)" = "$3" ] || exit 6
cat >>"$part" || exit 5
[ "$5" = last ] || exit 0
[ "$(stat -c %s "$part")" -ge "$4" ] || { echo "the end of it did not arrive" >&2 && exit 5; }
[ "$(sha256sum <"$part" | cut -c 1-64)" = "$2" ] || { rm -f "$part" && exit 7; }
mv -f "$part" "$1/incoming/files/$2" || exit 5
