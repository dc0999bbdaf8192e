#include "parser/custom_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/file.h"
#include "parser/library/abi.h"
#include "parser/library_symbols.h"

namespace edet::parser {

struct CustomLibrary::Impl {
  void* handle = nullptr;
  abi::ParseFunction parse = nullptr;
  ObjectLayout layout = ObjectLayout::k24Bytes;
  // Kept from call to call, as nvinfer does.
  std::vector<abi::Object24> objects24;
  std::vector<abi::Object28> objects28;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (handle != nullptr) dlclose(handle);
  }
};

namespace {

// The layout that a library in this process writes: what nvds_version() answers, as libraries of
// several layouts ask it too. The environment has the last word (EDET_PARSER_OBJECT_BYTES=24 or
// 28).
ObjectLayout HostLayout() {
  if (const char* bytes = std::getenv("EDET_PARSER_OBJECT_BYTES")) {
    if (std::string(bytes) == "28") return ObjectLayout::k28Bytes;
    if (std::string(bytes) == "24") return ObjectLayout::k24Bytes;
  }
  using VersionFunction = void (*)(unsigned*, unsigned*);
  auto version = reinterpret_cast<VersionFunction>(dlsym(RTLD_DEFAULT, "nvds_version"));
  unsigned major = 0, minor = 0;
  if (version != nullptr) version(&major, &minor);
  return major >= 9 ? ObjectLayout::k28Bytes : ObjectLayout::k24Bytes;
}

unsigned CountElements(const std::vector<uint32_t>& dims) {
  uint64_t count = 1;
  for (uint32_t dim : dims) {
    if (dim != 0 && count > std::numeric_limits<unsigned>::max() / dim) return 0;
    count *= dim;
  }
  return static_cast<unsigned>(count);
}

abi::LayerInfo ToLayer(const OutputTensor& tensor, int binding_index) {
  abi::LayerInfo layer{};
  layer.data_type = static_cast<int>(tensor.type);
  layer.dims.num_dims = static_cast<unsigned>(std::min<size_t>(tensor.dims.size(), abi::kMaxDims));
  std::copy_n(tensor.dims.begin(), layer.dims.num_dims, layer.dims.d);
  layer.dims.num_elements = CountElements(tensor.dims);
  layer.binding_index = binding_index;
  layer.name = tensor.name.c_str();
  layer.buffer = const_cast<void*>(tensor.data);
  return layer;
}

template <typename Object>
std::vector<detect::NetworkObject> FromAbi(const std::vector<Object>& objects) {
  std::vector<detect::NetworkObject> result;
  result.reserve(objects.size());
  for (const Object& o : objects) {
    result.push_back({o.class_id, o.left, o.top, o.width, o.height, o.confidence});
  }
  return result;
}

void FillThresholds(const std::vector<detect::ClassAttributes>& classes,
                    abi::DetectionParams& params) {
  params.num_classes = static_cast<unsigned>(classes.size());
  for (const detect::ClassAttributes& attributes : classes) {
    params.pre_cluster_threshold.push_back(attributes.pre_cluster_threshold);
    params.post_cluster_threshold.push_back(attributes.post_cluster_threshold);
  }
  params.deprecated_threshold = &params.pre_cluster_threshold;
}

Error NotLoadable(const std::filesystem::path& path, const std::string& why) {
  return {ErrorCode::kCorrupt, "the parser library cannot be loaded: " + why, path.string(),
          DescribeSharedObject(path)};
}

}  // namespace

CustomLibrary::CustomLibrary(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CustomLibrary::CustomLibrary(CustomLibrary&&) noexcept = default;
CustomLibrary& CustomLibrary::operator=(CustomLibrary&&) noexcept = default;
CustomLibrary::~CustomLibrary() = default;

Result<CustomLibrary> CustomLibrary::Open(const std::filesystem::path& path,
                                          const std::string& function) {
  EDET_ASSIGN_OR_RETURN(uint64_t size, FileSizeBytes(path));
  if (size == 0) return NotLoadable(path, "the file is empty");
  auto impl = std::make_unique<Impl>();
  // An absolute path: dlopen searches a bare file name in the system's folders only.
  impl->handle = dlopen(std::filesystem::absolute(path).c_str(), RTLD_LAZY);
  if (impl->handle == nullptr) {
    const char* why = dlerror();
    return NotLoadable(path, why != nullptr ? why : "unknown reason");
  }
  impl->layout = HostLayout();
  impl->parse = reinterpret_cast<abi::ParseFunction>(dlsym(impl->handle, function.c_str()));
  if (impl->parse == nullptr) {
    return Error{ErrorCode::kNotFound, "the parser library has no function '" + function + "'",
                 path.string(), HintOfParseFunctions(path)};
  }
  return CustomLibrary(std::move(impl));
}

std::vector<detect::NetworkObject> CustomLibrary::Parse(
    const std::vector<OutputTensor>& outputs, uint32_t network_width, uint32_t network_height,
    const std::vector<detect::ClassAttributes>& classes, bool& returned) {
  std::vector<abi::LayerInfo> layers;
  layers.reserve(outputs.size());
  for (const OutputTensor& tensor : outputs) {
    layers.push_back(ToLayer(tensor, static_cast<int>(layers.size()) + 1));
  }
  abi::DetectionParams params{};
  FillThresholds(classes, params);
  const abi::NetworkInfo network{network_width, network_height, 3};
  impl_->objects24.clear();
  impl_->objects28.clear();
  const bool wide = impl_->layout == ObjectLayout::k28Bytes;
  void* objects =
      wide ? static_cast<void*>(&impl_->objects28) : static_cast<void*>(&impl_->objects24);
  try {
    returned = impl_->parse(layers, network, params, objects);
  } catch (...) {  // a foreign library may throw where DeepStream would end
    returned = false;
  }
  if (!returned) return {};
  return wide ? FromAbi(impl_->objects28) : FromAbi(impl_->objects24);
}

}  // namespace edet::parser
