# Builds the engine of the release in $1/current with trtexec ($2), under the name $3 that nvinfer looks for. Further
# arguments are options of trtexec that every version has. Its log stays in $1/current/run/. "unchanged" where there is
# one already; otherwise its own last lines, and its exit code.
# shellcheck shell=sh
cd "$1/current/model" || exit 5
trtexec=$2 engine=$3
shift 3
[ ! -s "$engine" ] || { echo unchanged && exit 0; }
mkdir -p ../run || exit 5
log=../run/trtexec.log
# What differs from version to version, its own help tells. Before 8.4 the workspace is 16 MiB if nothing is said.
help=$("$trtexec" --help 2>&1)
knows() { case $help in *"$1"*) return 0 ;; esac; return 1; }
knows --memPoolSize || set -- "$@" --workspace=2048
if knows --skipInference; then
  set -- "$@" --skipInference
elif knows --buildOnly; then
  set -- "$@" --buildOnly
fi
# Under its name only when it is complete.
rm -f "$engine.part"
"$trtexec" "$@" "--saveEngine=$engine.part" >"$log" 2>&1 </dev/null
code=$?
[ "$code" != 0 ] || [ -s "$engine.part" ] || code=1
[ "$code" != 0 ] || mv -f "$engine.part" "$engine" || exit 5
rm -f "$engine.part"
# An error's line says more than the last.
if [ "$code" != 0 ]; then
  { grep '\[E\]' "$log" || tail -n 1 "$log"; } | sed -n '$p' >&2
fi
exit "$code"
