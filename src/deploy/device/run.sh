#!/bin/sh
# Runs deepstream-app with this release's configuration; further arguments are its own:
#   run.sh -i file:///home/me/street.mp4
# The first start builds the TensorRT engine (minutes) into the folder model/; later ones load it.
# Videos are written to the folder where this is started.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
command -v deepstream-app >/dev/null || {
  echo "run: deepstream-app is not here: install DeepStream, or use compose.yaml with NVIDIA's container" >&2
  exit 4
}
[ -w "$here/model" ] || echo "run: $here/model cannot be written: without an engine in it, every start would build one" >&2
exec deepstream-app -c "$here/model/deepstream_app.txt" "$@"
