#include "parser/library/program/self_test.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "parser/library/abi.h"
#include "parser/library/old_runtime.h"

namespace edet {
namespace parser {
namespace {

constexpr unsigned kNetworkSide = 128;
constexpr unsigned kClasses = 11;
// 9 anchors a cell of levels 3 to 7 of a 128x128 input: 16x16, 8x8, 4x4, 2x2 and 1x1 cells.
constexpr unsigned kAnchors = 9 * (256 + 64 + 16 + 4 + 1);

using Object = abi::Object28;

// What one call is given, and what must come out of it.
struct Case {
  const char* contract;
  const char* function;
  std::vector<abi::LayerInfo> layers;
  std::vector<std::vector<unsigned char>> memory;  // of the layers
  std::vector<Object> expected;

  template <typename T>
  void Add(const char* name, int type, const std::vector<unsigned>& dims,
           const std::vector<T>& values) {
    abi::LayerInfo layer{};
    layer.data_type = type;
    layer.dims.num_dims = static_cast<unsigned>(dims.size());
    layer.dims.num_elements = 1;
    for (size_t i = 0; i < dims.size(); ++i) {
      layer.dims.d[i] = dims[i];
      layer.dims.num_elements *= dims[i];
    }
    layer.name = name;
    std::vector<unsigned char> bytes(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    memory.push_back(std::move(bytes));
    layer.buffer = memory.back().data();
    layers.push_back(layer);
  }
};

// The halves of 0, 0.5, 8, 16, 24, 40 and 64: all that the tensors below are made of.
uint16_t HalfOf(float value) {
  if (value == 0.F) return 0;
  int exponent = 0;
  const float fraction = std::frexp(value, &exponent);  // value = fraction * 2^exponent
  const auto mantissa = static_cast<unsigned>(std::lround((fraction * 2.F - 1.F) * 1024.F));
  return static_cast<uint16_t>(static_cast<unsigned>(exponent + 14) << 10 | mantissa);
}

std::vector<uint16_t> Halves(const std::vector<float>& values) {
  std::vector<uint16_t> halves;
  for (float value : values) halves.push_back(HalfOf(value));
  return halves;
}

// Two objects, a third that is below the threshold of 0.4, a fourth that is not counted.
const float kBoxes[] = {8, 16, 40, 64, -8, 64, 24, 200, 8, 8, 16, 16, 8, 8, 16, 16};
const float kScores[] = {.5F, .75F, .25F, .5F};
const Object kObjects[] = {{3, 16, 8, 48, 32, .5F, 0}, {0, 64, 0, 64, 24, .75F, 0}};

std::vector<Object> TwoObjects() { return {kObjects, kObjects + 2}; }

Case Nms(const char* function) {
  Case test{"nms", function, {}, {}, TwoObjects()};
  test.Add("num_detections", abi::kInt32, {1}, std::vector<int32_t>{3});
  test.Add("detection_boxes", abi::kFloat, {4, 4}, std::vector<float>(kBoxes, kBoxes + 16));
  test.Add("detection_scores", abi::kFloat, {4}, std::vector<float>(kScores, kScores + 4));
  test.Add("detection_classes", abi::kInt32, {4}, std::vector<int32_t>{3, 0, 2, 1});
  return test;
}

Case NmsInHalves(const char* function) {
  Case test{"nms, half", function, {}, {}, TwoObjects()};
  test.Add("num_detections:0", abi::kInt64, {1}, std::vector<int64_t>{3});
  test.Add("detection_boxes:0", abi::kHalf, {4, 4},
           Halves({8, 16, 40, 64, 0, 64, 24, 128, 8, 8, 16, 16, 8, 8, 16, 16}));
  test.Add("detection_scores:0", abi::kHalf, {4}, Halves({.5F, .75F, .25F, .5F}));
  test.Add("detection_classes:0", abi::kFloat, {4}, std::vector<float>{3, 0, 2, 1});
  return test;
}

Case TensorFlow(const char* function) {
  Case test{"tensorflow", function, {}, {}, TwoObjects()};
  std::vector<float> boxes(kBoxes, kBoxes + 16);
  for (float& number : boxes) number /= kNetworkSide;
  test.Add("num_detections", abi::kFloat, {1}, std::vector<float>{3});
  test.Add("detection_boxes", abi::kFloat, {4, 4}, boxes);
  test.Add("detection_scores", abi::kFloat, {4}, std::vector<float>(kScores, kScores + 4));
  test.Add("detection_classes", abi::kFloat, {4}, std::vector<float>{4, 1, 3, 2});  // 1-based
  return test;
}

Case Tao(const char* function) {
  Case test = Nms(function);
  test.contract = "tao";
  return test;
}

Case Rows(const char* function) {
  Case test{"rows", function, {}, {}, TwoObjects()};
  std::vector<float> rows;
  const float classes[] = {4, 1, 3};  // 1-based
  for (size_t i = 0; i < 3; ++i) {
    rows.push_back(0.F);
    rows.insert(rows.end(), kBoxes + 4 * i, kBoxes + 4 * i + 4);
    rows.push_back(kScores[i]);
    rows.push_back(classes[i]);
  }
  rows.resize(7 * 5);  // padding
  test.Add("detections", abi::kFloat, {5, 7}, rows);
  return test;
}

// An anchor of class 4, its neighbour that overlaps it, and one far away.
std::vector<float> DenseValues(float none, float best, float neighbour, float far) {
  std::vector<float> values(static_cast<size_t>(kAnchors) * kClasses, none);
  const size_t middle = 9 * (8 * 16 + 8);  // level 3, row 8, column 8: centre 68, side 32
  values[middle * kClasses + 4] = best;
  values[(middle + 1) * kClasses + 5] = neighbour;
  values[(middle - 9 * 6) * kClasses + 6] = far;  // column 2: centre 20
  return values;
}

Case Decoded(const char* function) {
  Case test{
      "decoded", function, {}, {}, {{4, 52, 52, 32, 32, .75F, 0}, {6, 4, 52, 32, 32, .5F, 0}}};
  std::vector<float> boxes(static_cast<size_t>(kAnchors) * 4, 0.F);
  const size_t middle = 9 * (8 * 16 + 8);
  const float centre[] = {52, 52, 84, 84}, far[] = {52, 4, 84, 36};
  std::memcpy(&boxes[middle * 4], centre, sizeof centre);
  std::memcpy(&boxes[(middle + 1) * 4], centre, sizeof centre);
  std::memcpy(&boxes[(middle - 9 * 6) * 4], far, sizeof far);
  test.Add("boxes", abi::kFloat, {kAnchors, 4}, boxes);
  test.Add("scores", abi::kFloat, {kAnchors, kClasses}, DenseValues(0.F, .75F, .625F, .5F));
  return test;
}

Case Raw(const char* function) {
  Case test{
      "raw", function, {}, {}, {{4, 52, 52, 32, 32, 0.9525741F, 0}, {6, 4, 52, 32, 32, .5F, 0}}};
  test.Add("class_logits", abi::kFloat, {kAnchors, kClasses}, DenseValues(-9.F, 3.F, 1.F, 0.F));
  test.Add("box_deltas", abi::kFloat, {kAnchors, 4},
           std::vector<float>(static_cast<size_t>(kAnchors) * 4, 0.F));
  return test;
}

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  cases.push_back(Nms("NvDsInferParseEfficientDetNms"));
  cases.push_back(NmsInHalves("NvDsInferParseEfficientDetNms"));
  cases.push_back(TensorFlow("NvDsInferParseEfficientDetTensorFlow"));
  cases.push_back(Tao("NvDsInferParseEfficientDetTao"));
  cases.push_back(Rows("NvDsInferParseEfficientDetRows"));
  cases.push_back(Decoded("NvDsInferParseEfficientDetDecoded"));
  cases.push_back(Raw("NvDsInferParseEfficientDetRaw"));
  for (Case (*make)(const char*) : {Nms, NmsInHalves, TensorFlow, Rows, Decoded, Raw})
    cases.push_back(make("NvDsInferParseEfficientDet"));
  return cases;
}

bool Near(float found, float expected) { return std::fabs(found - expected) <= 1e-3F; }

float AngleOf(const abi::Object24&) { return 0.F; }
float AngleOf(const abi::Object28& object) { return object.rotation_angle; }

template <typename HostObject>
bool Same(const HostObject& found, const Object& expected) {
  return found.class_id == expected.class_id && Near(found.left, expected.left) &&
         Near(found.top, expected.top) && Near(found.width, expected.width) &&
         Near(found.height, expected.height) && Near(found.confidence, expected.confidence) &&
         AngleOf(found) == 0.F;
}

// An empty text where the objects are the expected ones.
template <typename HostObject>
std::string Difference(abi::ParseFunction parse, const Case& test) {
  abi::DetectionParams params{};
  params.num_classes = kClasses;
  params.pre_cluster_threshold.assign(kClasses, 0.4F);
  params.deprecated_threshold = &params.pre_cluster_threshold;
  std::vector<HostObject> found;
  if (!parse(test.layers, {kNetworkSide, kNetworkSide, 3}, params, &found)) return "returned false";
  if (found.size() != test.expected.size()) {
    return std::to_string(found.size()) + " objects instead of " +
           std::to_string(test.expected.size());
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (!Same(found[i], test.expected[i])) return "object " + std::to_string(i) + " is wrong";
  }
  return "";
}

template <typename HostObject>
int RunCases(void* library) {
  int failed = 0;
  for (const Case& test : AllCases()) {
    auto parse = reinterpret_cast<abi::ParseFunction>(dlsym(library, test.function));
    const std::string difference =
        parse == nullptr ? "no such function" : Difference<HostObject>(parse, test);
    std::printf("  %-10s %-36s %s\n", test.contract, test.function,
                difference.empty() ? "pass" : ("FAIL: " + difference).c_str());
    failed += difference.empty() ? 0 : 1;
  }
  return failed;
}

// The user's own settings would change what comes out.
void ForgetOptions() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "EDET_PARSER_", 12) != 0) continue;
    names.emplace_back(*entry, std::strcspn(*entry, "="));
  }
  for (const std::string& name : names) unsetenv(name.c_str());
}

int TestAsHost(const char* path, const char* object_bytes) {
  ForgetOptions();
  setenv("EDET_PARSER_OBJECT_BYTES", object_bytes, 1);
  void* library = dlopen(path, RTLD_LAZY);
  if (library == nullptr) {
    std::printf("  FAIL: %s\n", dlerror());
    return 1;
  }
  return std::strcmp(object_bytes, "24") == 0 ? RunCases<abi::Object24>(library)
                                              : RunCases<abi::Object28>(library);
}

// The library finds out its host's layout once, when it is loaded: a new process for each.
int TestInChild(const char* path, const char* object_bytes, const char* host) {
  std::printf("self test as a host of %s-byte objects (%s)\n", object_bytes, host);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const int failed = TestAsHost(path, object_bytes);
    std::fflush(stdout);
    _exit(failed);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    std::printf("  FAIL: no process could be started\n");
    return 1;
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  std::printf("  FAIL: ended by signal %d\n", WTERMSIG(status));
  return 1;
}

}  // namespace

int SelfTest(const char* path) {
  return TestInChild(path, "24", "DeepStream 5.0 to 8.0") +
         TestInChild(path, "28", "DeepStream 9.0 and later");
}

}  // namespace parser
}  // namespace edet
