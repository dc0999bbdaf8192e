#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "detect/nvinfer_postprocess.h"

namespace edet::parser {

enum class DataType {
  kFloat = 0,
  kHalf = 1,
  kInt8 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kUint8 = 5
};  // NvDsInferDataType

// One output tensor of one frame, batch dimension stripped, as nvinfer hands it to a parser.
// Borrowed memory.
struct OutputTensor {
  std::string name;
  DataType type = DataType::kFloat;
  std::vector<uint32_t> dims;  // at most 8
  const void* data = nullptr;  // host memory
};

// Which NvDsInferObjectDetectionInfo a library was compiled for: 24 bytes up to DeepStream 8, 28
// from 9.0.
enum class ObjectLayout { k24Bytes, k28Bytes };

// A custom-lib-path library, opened and called as gst-nvinfer does (any library of that contract,
// not only ours).
class CustomLibrary {
 public:
  // dlopen(RTLD_LAZY) and dlsym of the parse function. Errors: NotFound (no such file or function;
  // the hint lists the functions that are there), Corrupt (not loadable: dlerror's text, other
  // architecture named).
  static Result<CustomLibrary> Open(const std::filesystem::path& path, const std::string& function);
  CustomLibrary(CustomLibrary&&) noexcept;
  CustomLibrary& operator=(CustomLibrary&&) noexcept;
  ~CustomLibrary();

  // Calls the parse function for one frame. `returned` gets its bool (nvinfer ignores false: the
  // frame's objects are then undefined there; here the list is empty). One thread for each
  // CustomLibrary.
  std::vector<detect::NetworkObject> Parse(const std::vector<OutputTensor>& outputs,
                                           uint32_t network_width, uint32_t network_height,
                                           const std::vector<detect::ClassAttributes>& classes,
                                           bool& returned);

 private:
  struct Impl;
  explicit CustomLibrary(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edet::parser
