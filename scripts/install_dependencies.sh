#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that edet is built from and runs with; only what is missing.
# Usage: scripts/install_dependencies.sh [--test]     --test: also what only the tests need
# Exit code: 0 all there, 2 usage, 4 something is missing and may not or cannot be installed here.
set -euo pipefail

fail() {
  echo "edet: $2" >&2
  exit "$1"
}

packages=(
  # compiler and build
  ca-certificates ccache cmake g++ ninja-build pkg-config protobuf-compiler python3-pip
  # libraries
  libarchive-dev libcli11-dev libelf-dev libfmt-dev libglib2.0-dev libgstreamer1.0-dev libhdf5-dev libisal-dev
  libgstreamer-plugins-base1.0-dev libleveldb-dev libonnx-dev libpango1.0-dev libcairo2-dev
  libprotobuf-dev libsnappy-dev libyaml-cpp-dev nlohmann-json3-dev
  # onto a device
  openssh-client
  # video in and out, text on pictures
  gstreamer1.0-tools gstreamer1.0-libav gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly fonts-dejavu-core
)
test_packages=(
  libbenchmark-dev libgmock-dev libgtest-dev libjson-glib-dev
  ffmpeg file python3 python3-venv
  # the parser library for a Jetson, and its self test
  g++-aarch64-linux-gnu make qemu-user
  # bundles on a stand-in for a device
  openssh-server shellcheck zstd
)

# For tests that are skipped without: taken where the distribution has them.
optional_test_packages=(python3-numpy python3-pil python3-torch)

optional=()

case "${1-}" in
  "") ;;
  --test) packages+=("${test_packages[@]}") && optional=("${optional_test_packages[@]}") ;;
  -h | --help) sed -n '2,4s/^# //p' "$0" && exit 0 ;;
  *) fail 2 "unknown option '$1' (scripts/install_dependencies.sh): the only option is --test" ;;
esac

for tool in dpkg-query apt-get; do
  command -v "$tool" >/dev/null ||
    fail 4 "this is no Debian or Ubuntu (no dpkg-query, apt-get): install what the README's table of dependencies lists by hand"
done

# Prints those of the packages that are not installed.
missing_of() {
  local installed package
  installed="$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    awk '$1 == "installed" { print $2 }' || true)"
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || echo "$package"
  done
}
mapfile -t missing < <(missing_of "${packages[@]}")
[ "${#optional[@]}" -eq 0 ] || mapfile -t optional < <(missing_of "${optional[@]}")
[ "${#missing[@]}" -gt 0 ] || [ "${#optional[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  # Without a terminal sudo cannot ask for a password.
  sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; } ||
    fail 4 "packages are missing and this user may not install them: run as root: apt-get install ${missing[*]}"
  as_root=(sudo)
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

echo "Installing $((${#missing[@]} + ${#optional[@]})) packages: ${missing[*]} ${optional[*]}"
apt update -qq || fail 4 "apt-get update failed: check the network and /etc/apt/sources.list"
[ "${#missing[@]}" -eq 0 ] || apt install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
  fail 4 "apt-get could not install the packages: run it by hand to see why: apt-get install ${missing[*]}"
[ "${#optional[@]}" -eq 0 ] || apt install -y -qq --no-install-recommends "${optional[@]}" >/dev/null 2>&1 ||
  echo "Not to be had here: ${optional[*]}; the tests that want them are skipped"
