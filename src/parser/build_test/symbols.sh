#!/usr/bin/env bash
# What the parser library asks of the system that loads it, and what it shows: the oldest DeepStream runs on
# glibc 2.27 and libstdc++ of GCC 7 (JetPack 4.4), and nvinfer looks up some names in every custom library.
# Usage: symbols.sh LIBRARY     Exit code: 0, or 1 with one line for each finding.
set -euo pipefail
library="$1" failed=0
finding() {
  echo "$library: $*" >&2
  failed=1
}

# newer_than LIMIT: of the versions on standard input, those above it.
newer_than() {
  while read -r version; do
    [ "$(printf '%s\n' "$version" "$1" | sort -V | tail -1)" = "$1" ] || echo "$version"
  done
}

versions="$(readelf --version-info --wide "$library")"
needs="$(sed -n '/^Version needs section/,$p' <<<"$versions" | { grep -oE 'Name: [A-Za-z]+_[0-9.]+' || true; } | sed 's/Name: //' | sort -u)"
[ -n "$needs" ] || finding "asks for no version at all: not read rightly?"
for limit in GLIBC_2.27 GLIBCXX_3.4.25 CXXABI_1.3.11 GCC_4.2.0; do
  family="${limit%_*}"
  for version in $(sed -n "s/^${family}_//p" <<<"$needs" | newer_than "${limit##*_}"); do
    finding "needs ${family}_$version, newer than $limit"
  done
done

dynamic="$(readelf --dynamic --wide "$library")"
needed="$(sed -n 's/.*Shared library: \[\(.*\)\]/\1/p' <<<"$dynamic")"
allowed=(libdl.so.2 libstdc++.so.6 libm.so.6 libgcc_s.so.1 libc.so.6 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1)
for name in $needed; do
  [[ " ${allowed[*]} " == *" $name "* ]] || finding "needs the library $name"
done
# Without it, a glibc before 2.34 finds no dlopen in a program that does not load libdl itself.
grep -qx 'libdl.so.2' <<<"$needed" || finding "does not ask for libdl.so.2"

symbols="$(readelf --dyn-syms --wide "$library")"
exported="$(awk '$1 ~ /^[0-9]+:$/ && $5 != "LOCAL" && $7 != "UND" { sub(/@.*/, "", $8); print $8 }' <<<"$symbols" | sort -u)"
description="$(readelf --string-dump=edet_parser --wide "$library" 2>/dev/null)"
described="$(sed -n 's/.*contract [^ ]* \([A-Za-z0-9]*\).*/\1/p' <<<"$description" | sort -u)"
[ -n "$described" ] || finding "describes no function"
[ "$exported" = "$described" ] ||
  finding "exports and describes different functions: $(diff <(echo "$exported") <(echo "$described") | grep '^[<>]' | tr '\n' ' ')"
# nvinfer takes a library that has one of these for one that makes engines or fills inputs.
for name in NvDsInferCudaEngineGet NvDsInferCreateModelParser NvDsInferInitializeInputLayers CreateInferServerCustomProcess; do
  ! grep -qx "$name" <<<"$exported" || finding "exports $name, which nvinfer looks up"
done
exit "$failed"
