#!/usr/bin/env bash
# usage: build_judge.sh JUDGE_SOURCES OUT_DIR     makes OUT_DIR/nvinfer_judge; exit code 4: skipped, the reason is printed
set -euo pipefail
sources=$1 out=$2
[ -f "$sources/build.sh" ] || { echo "skipped: no judge at $sources"; exit 4; }
[ -f "${CUDA_INCLUDE:-}/cuda_runtime.h" ] || { echo "skipped: no cuda_runtime.h (set EDET_CUDA_INCLUDE)"; exit 4; }
pkg-config --exists gstreamer-base-1.0 yaml-cpp json-glib-1.0 || { echo "skipped: no headers of GStreamer, yaml-cpp or json-glib"; exit 4; }
# With a sanitizer's runtime the judge would not be NVIDIA's program any more: its own compiler flags only.
mkdir -p "$out"
exec 9>"$out/lock"
flock 9
[ "$out/nvinfer_judge" -nt "$sources/nvinfer_judge.cpp" ] || bash "$sources/build.sh" "$out"
