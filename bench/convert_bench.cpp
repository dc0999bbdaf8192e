// The steps of `edet convert`, each by itself, on an untrained model that is written once to a
// temporary folder.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/bundle_writer.h"
#include "checkpoint/checkpoint.h"
#include "efficientdet/check_weights.h"
#include "efficientdet/model.h"
#include "efficientdet/recognize.h"
#include "efficientdet/untrained.h"
#include "onnx/write.h"

namespace edet {
namespace {

namespace fs = std::filesystem;

// An untrained checkpoint of one model in a folder of its own, removed at exit.
class Fixture {
 public:
  explicit Fixture(const std::string& model) : hparams_(*efficientdet::FindModel(model)) {
    std::string name = (fs::temp_directory_path() / "edet-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    efficientdet::UntrainedVariables source(1);
    std::vector<checkpoint::NamedTensor> tensors;
    for (const auto& [variable, shape] : efficientdet::WantedVariables(hparams_)) {
      tensors.push_back({variable, shape, source.Read(variable, shape).floats});
    }
    if (!checkpoint::WriteBundle(prefix(), std::move(tensors), 0).ok()) std::abort();
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  fs::path prefix() const { return folder_ / "model.ckpt"; }
  fs::path onnx() const { return folder_ / "model.onnx"; }
  const efficientdet::Hparams& hparams() const { return hparams_; }

  Result<graph::Graph> Build(const checkpoint::Checkpoint& checkpoint) const {
    efficientdet::CheckpointVariables variables(checkpoint, efficientdet::WeightChoice::kAuto);
    efficientdet::CheckedVariables checked(variables);
    return efficientdet::BuildModel(hparams_, checked, {});
  }

 private:
  efficientdet::Hparams hparams_;
  fs::path folder_;
};

const char* ModelOf(const benchmark::State& state) { return state.range(0) == 0 ? "d0" : "d7x"; }

void OpenCheckpoint(benchmark::State& state) {
  Fixture fixture(ModelOf(state));
  for (auto _ : state)
    benchmark::DoNotOptimize(checkpoint::Checkpoint::Open(fixture.prefix()).ok());
  state.SetLabel(ModelOf(state));
}

void Recognize(benchmark::State& state) {
  Fixture fixture(ModelOf(state));
  auto checkpoint = checkpoint::Checkpoint::Open(fixture.prefix());
  for (auto _ : state) benchmark::DoNotOptimize(efficientdet::RecognizeModel(*checkpoint));
  state.SetLabel(ModelOf(state));
}

void BuildGraph(benchmark::State& state) {
  Fixture fixture(ModelOf(state));
  auto checkpoint = checkpoint::Checkpoint::Open(fixture.prefix());
  for (auto _ : state) benchmark::DoNotOptimize(fixture.Build(*checkpoint).ok());
  state.SetLabel(ModelOf(state));
}

// The search for NaN alone, on a kernel of 4 MiB.
void CheckNumbers(benchmark::State& state) {
  std::vector<float> values(size_t{1} << 20, 0.5F);
  for (auto _ : state) benchmark::DoNotOptimize(efficientdet::CheckWeights("kernel", values));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * values.size() * sizeof(float)));
}

void BuildAndWrite(benchmark::State& state) {
  Fixture fixture(ModelOf(state));
  auto checkpoint = checkpoint::Checkpoint::Open(fixture.prefix());
  for (auto _ : state) {
    auto graph = fixture.Build(*checkpoint);
    if (!onnx_format::WriteModel(std::move(graph).value(), {}, fixture.onnx()).ok()) std::abort();
  }
  state.SetLabel(ModelOf(state));
}

BENCHMARK(OpenCheckpoint)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(Recognize)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(BuildGraph)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(CheckNumbers);
BENCHMARK(BuildAndWrite)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace edet
