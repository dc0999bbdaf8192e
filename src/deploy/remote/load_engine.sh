# Whether trtexec ($2) takes the engine $3 of the release in $1/current: the proof where there is no deepstream-app.
# shellcheck shell=sh
cd "$1/current/model" || exit 5
"$2" "--loadEngine=$3" >../run/trtexec_load.log 2>&1 </dev/null && exit 0
code=$?
{ grep '\[E\]' ../run/trtexec_load.log || tail -n 1 ../run/trtexec_load.log; } | sed -n '$p' >&2
exit "$code"
