# Runs deepstream-app of the release in $1/current once, without a screen, and tells what came of it: first its own
# last lines, then "facts" and lines KEY=VALUE. $2: the engine's name; $3: a URI instead of the configuration's, or
# empty; $4: seconds until it is stopped. Its log and the detections stay in $1/current/run/ and kitti/.
# shellcheck shell=sh
cd "$1/current/model" || exit 5
run=$(cd .. && pwd -P)/run
rm -rf "$run" ../kitti
mkdir -p "$run" ../kitti || exit 5
stamp() { stat -c '%Y %s' "$2/$1" 2>/dev/null || echo none; }

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
grep -v '^\*\*PERF' "$run/deepstream-app.log" | tail -n 5
echo facts
echo "exit_code=$code"
echo "seconds=$(($(date +%s) - started))"
echo "engine_before=$before"
echo "engine_after=$(stamp "$2" .)"
grep -q 'Use deserialized engine model' "$run/deepstream-app.log" && echo "loaded=yes"
# "**PERF:  29.97 (29.50)": this interval's frames per second and those since the start, for each source.
perf=$(sed -n 's/^\*\*PERF:[[:space:]]*\([0-9].*\)/\1/p' "$run/deepstream-app.log" | sed -n '$p')
echo "fps=$(printf '%s\n' "$perf" | sed -n 's/^[0-9.]* *(\([0-9.]*\)).*/\1/p')"
echo "frames=$(find ../kitti -type f | wc -l)"
echo "objects=$(find ../kitti -type f -exec cat {} + | wc -l)"
if [ -s "$run/tegrastats.log" ]; then
  echo "memory_mib=$(sed -n 's/.*RAM \([0-9]*\)\/.*/\1/p' "$run/tegrastats.log" | sort -n | sed -n '$p')"
fi
exit 0
