#!/usr/bin/env bash
# Runs the self test of the library for 64-bit Arm under qemu: on the cross compiler's own C library, or on that
# of Debian 11 (glibc 2.31 and libstdc++ 10, as JetPack 5 has them), whose packages come from apt's mirror.
# Usage: under_qemu.sh LIBRARY QEMU toolchain | LIBRARY QEMU debian11 FOLDER     FOLDER keeps what was fetched.
# Exit code: the self test's; 4 where qemu or Debian 11 cannot be had.
set -euo pipefail
library="$(realpath "$1")" qemu="$2" system="$3" folder="${4-}"
skip() {
  echo "skipped: $*"
  exit 4
}

command -v "$qemu" >/dev/null || skip "no qemu-aarch64 (package qemu-user)"
[ "$system" = debian11 ] || exec "$qemu" -L /usr/aarch64-linux-gnu "$library"

# fetch MIRROR WORK: apt with settings of its own, so that nothing of this machine's package state is touched.
fetch() {
  local mirror="$1" work="$2"
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages"
  : >"$work/status"
  echo "deb [arch=arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" >"$work/sources.list"
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::Lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Acquire::Languages=none
    -o APT::Sandbox::User=root -o Acquire::Retries=2)
  "${apt[@]}" -o APT::Update::Error-Mode=any update 2>/dev/null && (cd "$work/packages" && "${apt[@]}" download libc6 libstdc++6 libgcc-s1)
}

if [ ! -e "$folder/lib/ld-linux-aarch64.so.1" ]; then
  for tool in apt-get dpkg-deb; do command -v "$tool" >/dev/null || skip "no $tool: not Debian or Ubuntu"; done
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  fetched=""
  # shellcheck disable=SC2016  # apt fills it in
  while read -r mirror; do
    rm -rf "${work:?}/apt"
    fetch "$mirror" "$work/apt" && fetched=yes && break
  done < <(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u)
  [ -n "$fetched" ] || skip "none of apt's mirrors has Debian 11's packages for arm64"
  for package in "$work"/apt/packages/*.deb; do dpkg-deb --extract "$package" "$work/root"; done
  mkdir -p "$(dirname "$folder")"
  rm -rf "$folder"
  mv "$work/root" "$folder"
fi
"$qemu" -L "$folder" "$library"
