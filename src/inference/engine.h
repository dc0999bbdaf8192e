// Who runs an ONNX file: OpenVINO on the CPU, behind an interface that names none of its types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::inference {

enum class ElementType { kFloat32, kFloat16, kInt8, kInt32, kInt64, kUint8 };

// Bytes of one element.
size_t ElementSize(ElementType type);

// An input or output of a model. `shape` has the batch in front; -1: known only after inference.
struct TensorInfo {
  std::string name;
  ElementType type = ElementType::kFloat32;
  std::vector<int64_t> shape;
};

// What a request's output holds; borrowed until the request starts again or goes away.
struct TensorView {
  ElementType type = ElementType::kFloat32;
  std::vector<int64_t> shape;
  const void* data = nullptr;
  size_t bytes = 0;
};

enum class Goal { kLatency, kThroughput };
enum class Precision { kFloat32, kBfloat16 };

struct EngineOptions {
  Goal goal = Goal::kLatency;
  // f32 unless asked otherwise: the library's own choice (bf16 on many machines) moves scores.
  Precision precision = Precision::kFloat32;
  unsigned threads = 0;  // 0: as the library chooses (all cores)
  unsigned batch_size = 1;
};

// One inference in flight, with input memory of its own. Made by Engine, outlives it safely.
// One thread fills, starts and waits; `done` of Start() runs on a thread of the library.
class Request {
 public:
  Request(Request&&) noexcept;
  Request& operator=(Request&&) noexcept;
  ~Request();

  // Memory of input `index`: shape and type as Engine::inputs() tells, contiguous, to be filled in
  // place while no inference of this request runs.
  void* input(size_t index);

  // Runs and waits. Errors: Internal, with the library's reason.
  Status Infer();
  // Starts and returns. `done` may be empty; it must not throw nor call this request.
  Status Start(std::function<void()> done = nullptr);
  // Waits for a started inference. Errors as Infer().
  Status Wait();

  // Output `index` after Infer() or Wait().
  Result<TensorView> output(size_t index);

 private:
  friend class Engine;
  struct Impl;
  explicit Request(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A compiled model. Any thread may create requests.
class Engine {
 public:
  // Reads and compiles an ONNX file for a static batch. EfficientNMS_TRT is known and computed on
  // the CPU. Errors: NotFound, Corrupt (not an ONNX file, external data
  // outside of the file's folder or behind a link), Unsupported (an operator is unknown, an
  // input has a free dimension other than the batch), Environment (the library lacks its plugin).
  static Result<Engine> Load(const std::filesystem::path& onnx, const EngineOptions& options);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  // In the order of the file.
  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  // How many requests keep the machine busy; at least 1.
  unsigned optimal_requests() const;
  Result<Request> CreateRequest() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "OpenVINO 2026.4.1-..." for reports.
std::string EngineDescription();

}  // namespace edet::inference
