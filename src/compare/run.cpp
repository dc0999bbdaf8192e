#include "compare/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

#include "graph/half_precision.h"
#include "inference/engine.h"
#include "onnx/outline.h"
#include "onnx/probe.h"
#include "parser/library/tensor.h"

namespace edet::compare {
namespace fs = std::filesystem;
using inference::ElementType;
namespace {

template <typename Stored>
void Store(float value, char* at) {
  auto stored = static_cast<Stored>(value);
  std::memcpy(at, &stored, sizeof stored);
}

void StoreHalf(float value, char* at) {
  uint16_t bits = graph::HalfBits(value);
  std::memcpy(at, &bits, sizeof bits);
}

using StoreFunction = void (*)(float, char*);
StoreFunction StoreAs(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return Store<float>;
    case ElementType::kFloat16:
      return StoreHalf;
    case ElementType::kUint8:
      return Store<uint8_t>;
    case ElementType::kInt32:
      return Store<int32_t>;
    case ElementType::kInt64:
      return Store<int64_t>;
    case ElementType::kInt8:
      break;
  }
  return nullptr;
}

// Every image of the batch becomes the picture.
Status FillInput(const Picture& picture, const inference::TensorInfo& info, void* memory) {
  StoreFunction store = StoreAs(info.type);
  if (store == nullptr)
    return Error{ErrorCode::kUnsupported, "an int8 input cannot hold a picture of 0..255",
                 info.name, ""};
  bool last = info.shape[3] == 3;
  auto area = static_cast<size_t>(picture.height * picture.width);
  size_t bytes = inference::ElementSize(info.type);
  auto* to = static_cast<char*>(memory);
  for (int64_t image = 0; image < info.shape[0]; ++image, to += area * 3 * bytes) {
    for (size_t i = 0; i < area; ++i)
      for (size_t c = 0; c < 3; ++c)
        store(picture.rgb[i * 3 + c], to + (last ? i * 3 + c : c * area + i) * bytes);
  }
  return {};
}

template <typename Stored>
void Append(const void* data, size_t count, std::vector<float>& values) {
  const auto* numbers = static_cast<const Stored*>(data);
  for (size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(numbers[i]));
}

void AppendHalves(const void* data, size_t count, std::vector<float>& values) {
  const auto* halves = static_cast<const uint16_t*>(data);
  for (size_t i = 0; i < count; ++i) values.push_back(parser::HalfToFloat(halves[i]));
}

using AppendFunction = void (*)(const void*, size_t, std::vector<float>&);
AppendFunction AppendAs(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return Append<float>;
    case ElementType::kFloat16:
      return AppendHalves;
    case ElementType::kInt8:
      return Append<int8_t>;
    case ElementType::kInt32:
      return Append<int32_t>;
    case ElementType::kInt64:
      return Append<int64_t>;
    case ElementType::kUint8:
      break;
  }
  return Append<uint8_t>;
}

TensorValues FirstImage(const inference::TensorView& view, int64_t batch) {
  TensorValues tensor{view.shape, {}};
  size_t count = view.bytes / inference::ElementSize(view.type);
  bool batched = batch > 1 && !view.shape.empty() && view.shape[0] == batch;
  if (batched) {
    count /= static_cast<size_t>(batch);
    tensor.shape[0] = 1;
  }
  tensor.values.reserve(count);
  AppendAs(view.type)(view.data, count, tensor.values);
  return tensor;
}

Status CheckInput(const inference::Engine& engine, const Picture& picture, const fs::path& path) {
  bool image = engine.inputs().size() == 1 && engine.inputs()[0].shape.size() == 4;
  const std::vector<int64_t> shape = image ? engine.inputs()[0].shape : std::vector<int64_t>();
  if (!image || (shape[3] != 3 && shape[1] != 3))
    return Error{ErrorCode::kUnsupported, "the model has no single image input", path.string(), ""};
  size_t at = shape[3] == 3 ? 1 : 2;
  if (shape[at] == picture.height && shape[at + 1] == picture.width) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("the network takes {}x{} pixels, the picture has {}x{}", shape[at + 1],
                           shape[at], picture.width, picture.height),
               path.string(), ""};
}

// Of all names that a tensor has for the engine, the one that the file promises: both lists are in
// the file's order.
std::vector<std::string> OutputNames(const inference::Engine& engine, const fs::path& path) {
  Result<onnx_format::ModelOutline> outline = onnx_format::ReadOutline(path);
  bool same = outline.ok() && outline->outputs.size() == engine.outputs().size();
  std::vector<std::string> names;
  for (size_t i = 0; i < engine.outputs().size(); ++i)
    names.push_back(same ? outline->outputs[i].name : engine.outputs()[i].name);
  return names;
}

// A copy for a probe, gone afterwards.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Result<Outputs> RunNetwork(const fs::path& onnx, const Picture& picture) {
  EDET_ASSIGN_OR_RETURN(inference::Engine engine, inference::Engine::Load(onnx, {}));
  EDET_RETURN_IF_ERROR(CheckInput(engine, picture, onnx));
  EDET_ASSIGN_OR_RETURN(inference::Request request, engine.CreateRequest());
  EDET_RETURN_IF_ERROR(FillInput(picture, engine.inputs()[0], request.input(0)));
  EDET_RETURN_IF_ERROR(request.Infer());
  std::vector<std::string> names = OutputNames(engine, onnx);
  Outputs outputs;
  for (size_t i = 0; i < names.size(); ++i) {
    EDET_ASSIGN_OR_RETURN(inference::TensorView view, request.output(i));
    outputs[names[i]] = FirstImage(view, engine.inputs()[0].shape[0]);
  }
  return outputs;
}

Result<Outputs> RunProbe(const ProbeRun& run, const Picture& picture) {
  onnx_format::Probe probe;
  probe.input = run.input;
  int64_t height = picture.height, width = picture.width;
  probe.input_shape = {1, height, width, 3};
  if (!run.channels_last) probe.input_shape = {1, 3, height, width};
  probe.outputs = run.tensors;
  probe.only_these = run.only_these;
  TemporaryFile copy(run.folder / "probe.onnx");
  EDET_RETURN_IF_ERROR(onnx_format::WriteProbe(run.onnx, probe, copy.path()));
  Result<Outputs> outputs = RunNetwork(copy.path(), picture);
  if (outputs.ok()) return outputs;
  Error error = outputs.error();
  error.where = run.onnx.string();
  return error;
}

}  // namespace edet::compare
