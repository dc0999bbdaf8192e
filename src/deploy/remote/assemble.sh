# Puts the bundle together in $1/incoming/bundle out of what is there, and installs it. Standard input: a line
# "HASH MODE FROM PATH" for each file; FROM is relative to $1.
# shellcheck shell=sh
cd "$1" || exit 5
rm -rf incoming/bundle
: >incoming/programs || exit 5
while read -r hash mode from path; do
  # Few programs for each file: there are a hundred, and starting one takes a small device long.
  folder=incoming/bundle/$path
  folder=${folder%/*}
  [ -d "$folder" ] || mkdir -p "$folder" || exit 5
  # A link needs no space; small files are copied, so that a change to one release never shows in another.
  case $from in
    incoming/files/*) ln "$from" "incoming/bundle/$path" 2>/dev/null || cp "$from" "incoming/bundle/$path" ;;
    *.onnx) ln "$from" "incoming/bundle/$path" 2>/dev/null || cp "$from" "incoming/bundle/$path" ;;
    *) cp "$from" "incoming/bundle/$path" ;;
  esac || { echo "cannot write incoming/bundle/$path ($hash): is the disk full?" >&2 && exit 5; }
  [ "$mode" != 755 ] || printf '%s\n' "$path" >>incoming/programs
done
find incoming/bundle -type f -exec chmod 644 {} + || exit 5
while read -r path; do chmod 755 "incoming/bundle/$path" || exit 5; done <incoming/programs
sh incoming/bundle/install.sh "$1" </dev/null || exit
rm -rf incoming
