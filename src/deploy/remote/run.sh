# Runs deepstream-app of the release in $1/current once, without a screen, and tells what came of it: first its own
# last lines, then "facts" and lines KEY=VALUE. $2: the engine's name; $3: a URI instead of the configuration's, or
# empty; $4: seconds until it is stopped. Its log and the detections stay in $1/current/run/ and kitti/.
# shellcheck shell=sh
cd "$1/current/model" || exit 5
run=$(cd .. && pwd -P)/run
rm -rf "$run" ../kitti
mkdir -p "$run" ../kitti || exit 5
stamp() { stat -c '%Y %s' "$2/$1" 2>/dev/null || echo none; }

# Lines for each frame and each component: what a few prints cost is in the frames per second.
export NVDS_ENABLE_LATENCY_MEASUREMENT=1 NVDS_ENABLE_COMPONENT_LATENCY_MEASUREMENT=1
before=$(stamp "$2" .)
watch=''
if command -v tegrastats >/dev/null; then
  tegrastats --interval 1000 >"$run/tegrastats.log" 2>/dev/null </dev/null &
  watch=$!
fi
started=$(date +%s)
if [ -n "$3" ]; then
  timeout "$4" deepstream-app -c deepstream_measure.txt -i "$3" >"$run/deepstream-app.log" 2>&1 </dev/null
else
  timeout "$4" deepstream-app -c deepstream_measure.txt >"$run/deepstream-app.log" 2>&1 </dev/null
fi
code=$?
[ -z "$watch" ] || kill "$watch" 2>/dev/null
grep -v -e '^\*\*PERF' -e '^Comp name = ' -e 'Frame latency = ' -e 'BATCH-NUM = ' "$run/deepstream-app.log" | tail -n 5
echo facts
echo "exit_code=$code"
echo "seconds=$(($(date +%s) - started))"
echo "engine_before=$before"
echo "engine_after=$(stamp "$2" .)"
grep -q 'Use deserialized engine model' "$run/deepstream-app.log" && echo "loaded=yes"
exit 0
