#include "inference/engine.h"

#include <algorithm>
#include <exception>
#include <map>
#include <openvino/frontend/exception.hpp>
#include <openvino/frontend/onnx/frontend.hpp>
#include <openvino/openvino.hpp>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/printable.h"
#include "inference/efficient_nms_op.h"
#include "onnx/before_running.h"

namespace edet::inference {
namespace {

std::optional<ElementType> FromOpenVino(const ov::element::Type& type) {
  if (type == ov::element::f32) return ElementType::kFloat32;
  if (type == ov::element::f16) return ElementType::kFloat16;
  if (type == ov::element::i8) return ElementType::kInt8;
  if (type == ov::element::i32) return ElementType::kInt32;
  if (type == ov::element::i64) return ElementType::kInt64;
  if (type == ov::element::u8 || type == ov::element::boolean) return ElementType::kUint8;
  return std::nullopt;
}

std::vector<int64_t> ShapeOf(const ov::PartialShape& shape) {
  std::vector<int64_t> dims;
  for (const ov::Dimension& dimension : shape) {
    dims.push_back(dimension.is_static() ? dimension.get_length() : -1);
  }
  return dims;
}

// The library's messages are several lines that begin with source positions; the last one that is
// not a position tells the cause.
std::string LastLine(const std::string& text) {
  std::string last;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    line.erase(0, line.find_first_not_of(" \t"));
    const bool position = line.find(".cpp:") != std::string::npos && line.find(' ') > line.size();
    if (!line.empty() && !position && line.rfind("Exception from", 0) != 0) last = line;
    begin = end + 1;
  }
  while (!last.empty() && (last.back() == '.' || last.back() == ' ')) last.pop_back();
  return last.empty() ? "no reason given" : last;
}

// The operators that a failed conversion names: "... No conversion rule found for operations: A,
// B".
std::string UnsupportedOperators(const std::string& text) {
  for (const char* marker :
       {"No conversion rule found for operations:",
        "OV does not support the following ONNX operations:", "Unsupported operation:"}) {
    const size_t at = text.find(marker);
    if (at == std::string::npos) continue;
    const size_t begin = at + std::string(marker).size();
    std::string names = text.substr(begin, text.find('\n', begin) - begin);
    names.erase(0, names.find_first_not_of(' '));
    constexpr size_t kMostBytes = 200;  // there may be thousands
    return Printable(names, kMostBytes);
  }
  return "";
}

Error NotReadable(const std::filesystem::path& onnx, const std::string& text) {
  const std::string operators = UnsupportedOperators(text);
  if (!operators.empty()) {
    return Error{ErrorCode::kUnsupported,
                 "the model has an operator that cannot run here: " + operators, onnx.string(),
                 "convert the checkpoint again, or export without that operator"};
  }
  return Error{ErrorCode::kCorrupt, "not a readable ONNX model: " + LastLine(text), onnx.string(),
               "convert the checkpoint again"};
}

// ONNX's own reader, not Core::read_model: that one offers an unreadable file to every format it
// knows, and those talk to standard error.
Result<std::shared_ptr<ov::Model>> ReadModel(const std::filesystem::path& onnx) {
  try {
    ov::frontend::onnx::FrontEnd reader;
    reader.add_extension(EfficientNmsExtension());
    const ov::frontend::InputModel::Ptr file = reader.load(onnx.string());
    if (file == nullptr) return NotReadable(onnx, "");
    return reader.convert(file);
  } catch (const std::exception& error) {
    return NotReadable(onnx, error.what());
  }
}

// Sets the batch and refuses every other free dimension.
Status FixShapes(ov::Model& model, unsigned batch_size, const std::filesystem::path& onnx) {
  std::map<ov::Output<ov::Node>, ov::PartialShape> shapes;
  for (const ov::Output<ov::Node>& input : model.inputs()) {
    ov::PartialShape shape = input.get_partial_shape();
    if (shape.rank().is_dynamic() || shape.size() == 0) {
      return Error{ErrorCode::kUnsupported,
                   "input '" + input.get_any_name() + "' has no fixed rank", onnx.string(),
                   "export the model with a fixed input size"};
    }
    shape[0] = batch_size;
    if (shape.is_dynamic()) {
      return Error{ErrorCode::kUnsupported,
                   "input '" + input.get_any_name() + "' has free dimensions " + shape.to_string(),
                   onnx.string(), "export the model with a fixed height and width"};
    }
    shapes[input] = shape;
  }
  model.reshape(shapes);
  return {};
}

ov::AnyMap Properties(const EngineOptions& options) {
  ov::AnyMap properties;
  properties.insert(ov::hint::inference_precision(
      options.precision == Precision::kFloat32 ? ov::element::f32 : ov::element::bf16));
  properties.insert(ov::hint::performance_mode(options.goal == Goal::kLatency
                                                   ? ov::hint::PerformanceMode::LATENCY
                                                   : ov::hint::PerformanceMode::THROUGHPUT));
  if (options.threads > 0) {
    properties.insert(ov::inference_num_threads(static_cast<int>(options.threads)));
  }
  return properties;
}

Result<std::vector<TensorInfo>> Describe(const std::vector<ov::Output<const ov::Node>>& ports,
                                         const std::filesystem::path& onnx) {
  std::vector<TensorInfo> tensors;
  for (const auto& port : ports) {
    const std::optional<ElementType> type = FromOpenVino(port.get_element_type());
    const std::string name = port.get_names().empty() ? port.get_node()->get_friendly_name()
                                                      : *std::min_element(port.get_names().begin(),
                                                                          port.get_names().end());
    if (!type) {
      return Error{
          ErrorCode::kUnsupported,
          "tensor '" + name + "' has the element type " + port.get_element_type().to_string(),
          onnx.string(), ""};
    }
    tensors.push_back({name, *type, ShapeOf(port.get_partial_shape())});
  }
  return tensors;
}

Error Failed(const std::exception& error) {
  return Error{ErrorCode::kInternal, "inference failed: " + LastLine(error.what()), "", ""};
}

// A message on one line, from whatever a library's callback was given.
std::string TextOf(const std::exception_ptr& pointer) {
  try {
    std::rethrow_exception(pointer);
  } catch (const std::exception& error) {
    return LastLine(error.what());
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace

size_t ElementSize(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
    case ElementType::kInt32:
      return 4;
    case ElementType::kInt64:
      return 8;
    case ElementType::kFloat16:
      return 2;
    case ElementType::kInt8:
    case ElementType::kUint8:
      break;
  }
  return 1;
}

struct Request::Impl {
  ov::InferRequest request;
  std::vector<void*> inputs;
};

Request::Request(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Request::Request(Request&&) noexcept = default;
Request& Request::operator=(Request&&) noexcept = default;
// An inference that still runs is waited for: its input memory goes away with the request.
Request::~Request() {
  if (!impl_) return;
  try {
    impl_->request.wait();
  } catch (const std::exception&) {  // never started, or failed: nothing to wait for
  }
}

void* Request::input(size_t index) { return impl_->inputs.at(index); }

Status Request::Infer() {
  try {
    impl_->request.infer();
    return {};
  } catch (const std::exception& error) {
    return Failed(error);
  }
}

Status Request::Start(std::function<void()> done) {
  try {
    // Errors surface in Wait(); the callback only says that it is over.
    impl_->request.set_callback([done = std::move(done)](std::exception_ptr) {
      if (done) done();
    });
    impl_->request.start_async();
    return {};
  } catch (const std::exception& error) {
    return Failed(error);
  }
}

Status Request::Wait() {
  try {
    impl_->request.wait();
    return {};
  } catch (const std::exception& error) {
    return Failed(error);
  }
}

Result<TensorView> Request::output(size_t index) {
  try {
    const ov::Tensor tensor = impl_->request.get_output_tensor(index);
    const std::optional<ElementType> type = FromOpenVino(tensor.get_element_type());
    if (!type) return Error{ErrorCode::kInternal, "output of an unknown element type", "", ""};
    const ov::Shape shape = tensor.get_shape();
    return TensorView{*type, {shape.begin(), shape.end()}, tensor.data(), tensor.get_byte_size()};
  } catch (const std::exception& error) {
    return Failed(error);
  }
}

struct Engine::Impl {
  ov::Core core;
  mutable ov::CompiledModel compiled;
  std::vector<TensorInfo> inputs, outputs;
  unsigned optimal_requests = 1;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Result<Engine> Engine::Load(const std::filesystem::path& onnx, const EngineOptions& options) {
  EDET_ASSIGN_OR_RETURN(const uint64_t size, FileSizeBytes(onnx));
  if (size == 0) return Error{ErrorCode::kCorrupt, "the ONNX file is empty", onnx.string(), ""};
  EDET_RETURN_IF_ERROR(onnx_format::CheckBeforeRunning(onnx));
  try {
    auto impl = std::make_unique<Impl>();
    EDET_ASSIGN_OR_RETURN(std::shared_ptr<ov::Model> model, ReadModel(onnx));
    EDET_RETURN_IF_ERROR(FixShapes(*model, std::max(1U, options.batch_size), onnx));
    impl->compiled = impl->core.compile_model(model, "CPU", Properties(options));
    const ov::CompiledModel& compiled = impl->compiled;
    EDET_ASSIGN_OR_RETURN(impl->inputs, Describe(compiled.inputs(), onnx));
    EDET_ASSIGN_OR_RETURN(impl->outputs, Describe(compiled.outputs(), onnx));
    impl->optimal_requests =
        std::max(1U, compiled.get_property(ov::optimal_number_of_infer_requests));
    return Engine(std::move(impl));
  } catch (const std::exception&) {
    return Error{ErrorCode::kUnsupported,
                 "the model cannot be prepared for this CPU: " + TextOf(std::current_exception()),
                 onnx.string(), ""};
  }
}

const std::vector<TensorInfo>& Engine::inputs() const { return impl_->inputs; }
const std::vector<TensorInfo>& Engine::outputs() const { return impl_->outputs; }
unsigned Engine::optimal_requests() const { return impl_->optimal_requests; }

Result<Request> Engine::CreateRequest() const {
  try {
    auto impl = std::make_unique<Request::Impl>();
    impl->request = impl_->compiled.create_infer_request();
    for (size_t i = 0; i < impl_->inputs.size(); ++i) {
      impl->inputs.push_back(impl->request.get_input_tensor(i).data());
    }
    return Request(std::move(impl));
  } catch (const std::exception& error) {
    return Failed(error);
  }
}

std::string EngineDescription() {
  return std::string("OpenVINO ") + ov::get_openvino_version().buildNumber;
}

}  // namespace edet::inference
