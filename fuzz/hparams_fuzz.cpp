// Fuzzes the reader of hyperparameters and the plan of the graph. The lowest bit of the first byte
// chooses between a YAML file and the k=v string, the next one the model that they change. Whatever
// CheckHparams lets through must be planned without a crash, in seconds, in bounded memory.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "efficientdet/check_hparams.h"
#include "efficientdet/model.h"
#include "efficientdet/read_hparams.h"
#include "efficientdet/variables.h"
#include "fuzz_file.h"

namespace {

using edet::efficientdet::Hparams;

// For these the decoded form is built as well, anchors included: it costs memory per place.
bool IsSmall(const Hparams& h) { return h.image_height <= 256 && h.image_width <= 256; }

void Plan(const Hparams& hparams, edet::efficientdet::NmsKind kind) {
  edet::efficientdet::VariableList variables;
  edet::efficientdet::BuildOptions options;
  options.postprocess.kind = kind;
  auto graph = edet::efficientdet::BuildModel(hparams, variables, options);
  if (!graph.ok() && graph.error().ToString().empty()) std::abort();
  if (graph.ok() && variables.variables().empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 1) return 0;
  std::string given(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if ((bytes[0] & 1) != 0)
    given = edet::fuzz::WriteFile("hparams.yaml", bytes + 1, size - 1).string();
  else if (given.size() > 4 && given.find(".y", given.size() - 5) != std::string::npos)
    return 0;  // would name a file of this machine
  auto start = edet::efficientdet::FindModel((bytes[0] & 2) != 0 ? "lite0" : "d0");
  std::vector<std::string> notes;
  auto hparams = edet::efficientdet::ReadHparams(given, *start, notes);
  if (!hparams.ok()) {
    if (hparams.error().ToString().empty()) std::abort();
    return 0;
  }
  if (!edet::efficientdet::CheckHparams(*hparams).ok()) return 0;
  Plan(*hparams, edet::efficientdet::NmsKind::kNone);
  if (IsSmall(*hparams)) Plan(*hparams, edet::efficientdet::NmsKind::kDecoded);
  return 0;
}
