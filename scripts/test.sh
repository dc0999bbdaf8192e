#!/usr/bin/env bash
# Builds everything and runs every test: the release build, the independent judges, the parser library for a
# Jetson (cross-built, run under qemu), then the rooms that read files from outside under AddressSanitizer and
# UndefinedBehaviorSanitizer.
#
# Usage: scripts/test.sh [--no-sanitizers]
# The last line is "N passed, N failed"; exit code 0 only if nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Rooms whose input comes from outside. The others spend their time in OpenVINO and GStreamer.
sanitized_rooms=(base detect checkpoint graph efficientdet onnx parser deepstream lint check deploy)
# Fuzz targets whose stored inputs are replayed (fuzz/CMakeLists.txt).
replayed=(bundle graph h5 archive locate hparams config onnx)

fail() {
  echo "edet: $2" >&2
  exit "$1"
}
step() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

sanitizers=yes
case "${1-}" in
  "") ;;
  --no-sanitizers) sanitizers="" ;;
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit 0 ;;
  *) fail 2 "unknown option '$1' (scripts/test.sh): see --help" ;;
esac

# The judges' Python packages, in a folder of their own; made anew when a requirements file changes.
make_test_venv() {
  local venv=build/test-venv stamp python=python3
  local quiet=(--quiet --disable-pip-version-check)
  stamp="$(cat tests/requirements*.txt | sha256sum)"
  [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ] && return
  [ -x /usr/bin/python3 ] && python=/usr/bin/python3
  rm -rf "$venv"
  if ! "$python" -m venv "$venv" || ! "$venv/bin/pip" install "${quiet[@]}" -r tests/requirements.txt; then
    echo "The Python judges will be skipped: their packages could not be installed"
    return
  fi
  "$venv/bin/pip" install "${quiet[@]}" -r tests/requirements-tensorrt.txt ||
    echo "The TensorRT judge will be skipped: its packages could not be installed"
  echo "$stamp" >"$venv/stamp"
}

# run_tests PRESET [ctest arguments]: its result file is build/PRESET/results.xml
run_tests() {
  local preset="$1" failed=0
  shift
  rm -f "build/$preset/results.xml"
  # One more than there are cores: the tests of a deployment wait most of their time.
  ctest --preset "$preset" --no-tests=error -j "$(($(nproc) + 1))" --output-junit "$PWD/build/$preset/results.xml" "$@" || failed=$?
  [ -f "build/$preset/results.xml" ] || fail 70 "ctest did not run (build/$preset)"
  return "$failed"
}

# An attribute of the <testsuite> element, summed over the result files.
total() {
  cat build/*/results.xml | grep -oE "\b$1=\"[0-9]+\"" | grep -oE '[0-9]+' | awk '{ n += $1 } END { print n + 0 }'
}

step "Installing what is missing"
scripts/install_dependencies.sh --test
mkdir -p build
make_test_venv

step "Release build"
rm -f build/*/results.xml
cmake --preset release -DEDET_BUILD_TESTS=ON -DEDET_BUILD_BENCH=ON >build/configure.log 2>&1 ||
  { tail -n 20 build/configure.log >&2 && fail 4 "CMake could not configure the build (build/configure.log)"; }
cmake --build --preset release

step "Release tests"
failed=0
run_tests release || failed=1

step "The parser library for a Jetson"
cmake --preset jetson >build/configure-jetson.log 2>&1 ||
  { tail -n 20 build/configure-jetson.log >&2 && fail 4 "CMake could not configure the build (build/configure-jetson.log)"; }
cmake --build --preset jetson
run_tests jetson || failed=1

if [ -n "$sanitizers" ]; then
  step "Sanitizer build"
  rooms=()
  for room in "${sanitized_rooms[@]}"; do
    compgen -G "src/$room/*_test.cpp" >/dev/null && rooms+=("$room")
  done
  cmake --preset asan >build/configure-asan.log 2>&1 ||
    { tail -n 20 build/configure-asan.log >&2 && fail 4 "CMake could not configure the build (build/configure-asan.log)"; }
  targets=("${rooms[@]/#/edet_}")
  cmake --build --preset asan --target "${targets[@]/%/_test}" "${replayed[@]/%/_replay}"
  step "Sanitizer tests"
  run_tests asan -R "^($(IFS='|' && echo "${rooms[*]}")|fuzz)\\." || failed=1
fi

tests="$(total tests)" failures="$(total failures)" skipped="$(($(total skipped) + $(total disabled)))"
step "All tests"
[ "$skipped" -eq 0 ] || echo "$skipped skipped (the reasons are above and in build/*/results.xml)"
[ "$failures" -gt 0 ] || [ "$failed" -eq 0 ] || failures=1
echo "$((tests - failures - skipped)) passed, $failures failed"
exit "$failed"
