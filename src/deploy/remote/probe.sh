# What the device is, a line KEY=VALUE for each fact that can be had. $1: the folder for the bundle (empty: ~/edet/$2).
# shellcheck shell=sh
# EDET_DEVICE_ROOT: where a stand-in has its /etc and /usr.
root=${EDET_DEVICE_ROOT-}
say() { [ -z "$2" ] || printf '%s=%s\n' "$1" "$2"; }
first() { sed -n '1p'; }

dir=${1:-$HOME/edet/$2}
case $dir in
  /*) ;;
  *) dir=$HOME/$dir ;;
esac
say directory "$dir"
say arch "$(uname -m)"
say l4t "$(sed -n 's/^# R\([0-9]*\) (release), REVISION: \([0-9.]*\).*/\1.\2/p' "$root/etc/nv_tegra_release" 2>/dev/null | first)"
versions=$(deepstream-app --version-all 2>/dev/null)
say deepstream "$(printf '%s\n' "$versions" | sed -n 's/^DeepStreamSDK \([0-9.]*\).*/\1/p' | first)"
say tensorrt_runtime "$(printf '%s\n' "$versions" | sed -n 's/^TensorRT Version: \([0-9.]*\).*/\1/p' | first)"
# The package knows the patch level: 8.5.2-1+cuda11.4.
package=$(dpkg-query -W -f '${Version}\n' libnvinfer10 libnvinfer8 libnvinfer7 2>/dev/null | first)
say tensorrt "$(printf '%s\n' "$package" | sed -n 's/^\([0-9.]*\).*/\1/p')"
cuda=$(printf '%s\n' "$package" | sed -n 's/.*+cuda\([0-9.]*\).*/\1/p')
[ -n "$cuda" ] || cuda=$(printf '%s\n' "$versions" | sed -n 's/^CUDA Runtime Version: \([0-9.]*\).*/\1/p' | first)
say cuda "$cuda"
say glibc "$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //')"
# Of the file system that the folder is on, or will be.
place=$dir
while [ ! -d "$place" ] && [ "$place" != / ]; do place=$(dirname "$place"); done
say free_kib "$(df -Pk "$place" 2>/dev/null | awk 'NR == 2 { print $4 }')"
[ -w "$place" ] && say writable yes
say power_mode "$(nvpmodel -q 2>/dev/null | sed -n 's/^NV Power Mode: *//p' | first)"
for trtexec in "$root/usr/src/tensorrt/bin/trtexec" "$(command -v trtexec)"; do
  [ ! -x "$trtexec" ] || { say trtexec "$trtexec" && break; }
done
[ ! -d "$dir/.power" ] || say power_to_restore yes
for tool in sha256sum flock tegrastats docker make g++; do command -v "$tool" >/dev/null && say "has_$tool" yes; done
say current "$(readlink "$dir/current" 2>/dev/null)"
say previous "$(readlink "$dir/previous" 2>/dev/null)"
if [ -f "$dir/current/SHA256SUMS" ]; then
  say current_sums "$(sha256sum <"$dir/current/SHA256SUMS" | cut -c 1-64)"
  (cd "$dir/current" && sha256sum --check --quiet SHA256SUMS >/dev/null 2>&1) && say current_whole yes
fi
exit 0
