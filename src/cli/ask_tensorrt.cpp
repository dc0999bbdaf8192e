#include "cli/ask_tensorrt.h"

#include <nlohmann/json.hpp>

#include "deploy/process.h"

namespace edet::cli {
namespace {

constexpr unsigned kPatienceSeconds = 120;

// The network must outlive the parser; the answer is the last line.
constexpr const char* kScript = R"python(
import json, sys
try:
    import tensorrt as trt
except ImportError:
    import tensorrt_rtx_libs
    import tensorrt_rtx_bindings as trt
logger = trt.Logger(trt.Logger.INTERNAL_ERROR)
builder = trt.Builder(logger)
network = builder.create_network(1 if trt.__version__.startswith(("7.", "8.")) else 0)
parser = trt.OnnxParser(network, logger)
accepted = bool(parser.parse_from_file(sys.argv[1]))
words = "" if accepted else parser.get_error(0).desc() if parser.num_errors else "refused without a reason"
print(json.dumps({"version": trt.__name__ + " " + trt.__version__, "accepted": accepted, "words": words}))
)python";

}  // namespace

Result<TensorRtVerdict> AskTensorRt(const std::string& python, const std::filesystem::path& model) {
  EDET_ASSIGN_OR_RETURN(
      const deploy::ProcessResult done,
      deploy::RunProcess({python, "-c", kScript, model.string()}, "", kPatienceSeconds));
  const auto answer =
      nlohmann::json::parse(deploy::LastLine(done.out), nullptr, /*allow_exceptions=*/false);
  if (done.exit_code != 0 || !answer.is_object() || !answer.contains("words")) {
    return Error{ErrorCode::kEnvironment, "TensorRT cannot be asked: " + deploy::LastLine(done.err),
                 python,
                 "name a Python that has tensorrt, or tensorrt-rtx-cu13-bindings and -libs: "
                 "--python FILE"};
  }
  return TensorRtVerdict{answer.value("version", ""), answer.value("accepted", false),
                         answer.value("words", "")};
}

}  // namespace edet::cli
