# The video for the measured run: $1/incoming/files/$2 becomes $1/inputs/$3, the only one there. Without $2, whether it is
# there already: prints "there".
# shellcheck shell=sh
cd "$1" || exit 5
if [ -z "$2" ]; then
  [ ! -f "inputs/$3" ] || [ "$(sha256sum <"inputs/$3" | cut -c 1-64)" != "${3%%.*}" ] || echo there
  exit 0
fi
rm -rf inputs && mkdir -p inputs && mv -f "incoming/files/$2" "inputs/$3" || exit 5
rmdir incoming/files incoming 2>/dev/null
exit 0
