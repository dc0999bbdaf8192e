// Linting a project of three files and what it names: app config, inference, labels, model,
// library.
//   lint_bench --benchmark_filter=. with EDET_LINT_PROJECT=DIR (what edet convert wrote)
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "lint/lint.h"

namespace {

// The project's deepstream_app.txt; empty without one.
std::filesystem::path AppConfig() {
  const char* folder = std::getenv("EDET_LINT_PROJECT");
  return folder == nullptr ? "" : std::filesystem::path(folder) / "deepstream_app.txt";
}

void BM_LintProject(benchmark::State& state) {
  const std::filesystem::path config = AppConfig();
  if (!std::filesystem::exists(config)) {
    state.SkipWithError("EDET_LINT_PROJECT is no folder with a deepstream_app.txt");
    return;
  }
  for (auto _ : state) {
    auto result = edet::lint::Lint({config}, {});
    if (!result.ok()) state.SkipWithError(result.error().ToString().c_str());
    benchmark::DoNotOptimize(result);
  }
}
BENCHMARK(BM_LintProject)->Unit(benchmark::kMillisecond);

}  // namespace
