#!/usr/bin/env bash
# The Makefile for people without CMake: builds, checks and installs into a folder here; and compares our
# declarations with DeepStream's headers.
# Usage: makefile.sh FOLDER build NAME COMPILER CCACHE | FOLDER headers DEEPSTREAM_INCLUDE TENSORRT_INCLUDE CUDA_INCLUDE
# Exit code: 0, 4 where the compiler or the headers are not here, or make's.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)" folder="$1"
skip() {
  echo "skipped: $*"
  exit 4
}
command -v make >/dev/null || skip "no make"
make=(make --no-print-directory -C "$here/../library" DEEPSTREAM_INCLUDE=/nonexistent)

if [ "$2" = headers ]; then
  [ -f "$3/nvdsinfer_custom_impl.h" ] || skip "no nvdsinfer_custom_impl.h in $3 (set EDET_DEEPSTREAM_INCLUDE)"
  [ -f "$5/cuda_runtime.h" ] || skip "no cuda_runtime.h (set EDET_CUDA_INCLUDE)"
  exec "${make[@]}" check-headers "DEEPSTREAM_INCLUDE=$3" "TENSORRT_INCLUDE=$4" "CUDA_INCLUDE=$5"
fi

name="$3" compiler="$4" ccache="$5"
[ -x "$compiler" ] || skip "no such compiler here"
build="$folder/$name" root="$folder/$name-root"
rm -rf "$build" "$root"
"${make[@]}" "BUILD=$build" "CXX=${ccache:+$ccache }$compiler" CXXFLAGS="-O2 -Werror" "DESTDIR=$root" check install
"$here/symbols.sh" "$root/opt/nvidia/deepstream/deepstream/lib/libnvdsinfer_efficientdet.so"
