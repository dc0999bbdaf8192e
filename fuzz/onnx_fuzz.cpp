// Fuzzes the reader of ONNX graphs, every repair on what it reads, and writing the result.
#include <cstdint>
#include <cstdlib>

#include "fuzz_file.h"
#include "onnx/read_graph.h"
#include "onnx/write.h"
#include "repair/repair.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace edet;
  std::filesystem::path path = fuzz::WriteFile("model.onnx", bytes, size);
  onnx_format::ReadLimits limits;
  limits.tensor_bytes = uint64_t{1} << 24;
  Result<onnx_format::ForeignModel> read = onnx_format::ReadGraph(path, limits);
  if (!read.ok()) {
    if (read.error().ToString().find('\n') != std::string::npos) std::abort();
    return 0;
  }
  repair::RepairOptions options;
  options.nchw = size % 2 == 0;
  if (size % 3 == 0) options.batch = graph::kDynamic;
  if (size % 5 == 0) options.nms = efficientdet::NmsKind::kOnnx;
  Result<repair::Report> report = repair::RepairGraph(read->graph, options);
  if (!report.ok() && report.error().what.empty()) std::abort();
  std::filesystem::path repaired = path.parent_path() / "repaired.onnx";
  if (report.ok() && onnx_format::WriteModel(read->graph, {}, repaired).ok())
    std::filesystem::remove(repaired);
  return 0;
}
