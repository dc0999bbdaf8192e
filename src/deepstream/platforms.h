// The platforms that a model can be made for, and what their TensorRT and DeepStream take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "deepstream/write_configs.h"

namespace edet::deepstream {

// The contents of platforms/platforms.json, embedded at build time. See "about" there.
extern const char k_platforms_json[];

enum class PluginState { kAbsent, kFaulty, kGood, kDeprecated };

struct Platform {
  std::string name;        // "xavier-jp5"
  std::string device;      // for people
  std::string jetpack;     // releases; empty on x86
  std::string deepstream;  // "6.3"
  std::string tensorrt;    // "8.5.2"
  std::string cuda, glibc;
  std::string arch;  // as uname -m says
  // Of its TensorRT:
  int64_t max_opset = 11;  // of those that are written here
  bool takes_uint8 = false;
  PluginState nms_plugin = PluginState::kAbsent;
  bool class_agnostic = false;         // EfficientNMS_TRT has that attribute
  bool nms_onnx = false;               // NonMaxSuppression becomes a layer
  std::vector<std::string> constants;  // operators whose parameters must be initialisers
  // Of its DeepStream:
  bool nhwc = false;  // nvinfer can feed it
  unsigned object_bytes = 24;

  // "DeepStream 6.3, TensorRT 8.5.2, CUDA 11.4, glibc 2.31"
  std::string Versions() const;
};

// Below 0, 0 or above 0 as version `a` ("6.0.1") is older, the same or newer.
int CompareVersions(const std::string& a, const std::string& b);

// All, oldest first, Jetsons before x86. Parsed once, then constant. Safe from any thread.
const std::vector<Platform>& Platforms();
// Errors: InvalidArgument, with the nearest name.
Result<Platform> FindPlatform(const std::string& name);

// A JetPack's versions, and the platform that stands for it.
struct JetPack {
  std::string tensorrt, deepstream, platform;
};
// "5.1.2", "7" (the newest of these); nothing where it is older or newer than all that are known.
std::optional<JetPack> FindJetPack(const std::string& release);

// The newest opset that the ONNX parser of a TensorRT is documented for. Who writes models and who
// judges them go by the same.
int64_t NewestOpset(const std::string& tensorrt);

// What the user asked for; empty: the platform decides.
struct ModelWishes {
  std::optional<Postprocessing> postprocessing;
  std::optional<bool> automl;  // AutoML's semantics, not per class
  std::optional<bool> nhwc;
  std::optional<int64_t> opset;
};

struct ModelChoices {
  Postprocessing postprocessing = Postprocessing::kPlugin;
  bool automl = false;
  bool nhwc = true;
  int64_t opset = 13;
  std::vector<std::string> reasons;  // a line for each choice, and for what to mind
};

// Errors: Unsupported, with what the platform takes instead, for a wish that it cannot fulfil.
Result<ModelChoices> ChooseModel(const Platform& platform, const ModelWishes& wishes);

}  // namespace edet::deepstream
