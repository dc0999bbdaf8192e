# Puts the bundle together in $1/incoming/bundle out of what is there, and installs it. Standard input: a line
# "HASH MODE FROM PATH" for each file; FROM is relative to $1.
# shellcheck shell=sh
cd "$1" || exit 5
rm -rf incoming/bundle
while read -r hash mode from path; do
  mkdir -p "incoming/bundle/$(dirname "$path")" || exit 5
  # A link needs no space; small files are copied, so that a change to one release never shows in another.
  case $from in
    incoming/files/*) ln "$from" "incoming/bundle/$path" 2>/dev/null || cp "$from" "incoming/bundle/$path" ;;
    *.onnx) ln "$from" "incoming/bundle/$path" 2>/dev/null || cp "$from" "incoming/bundle/$path" ;;
    *) cp "$from" "incoming/bundle/$path" ;;
  esac || { echo "cannot write incoming/bundle/$path ($hash): is the disk full?" >&2 && exit 5; }
  chmod "$mode" "incoming/bundle/$path" || exit 5
done
sh incoming/bundle/install.sh "$1" </dev/null || exit
rm -rf incoming
