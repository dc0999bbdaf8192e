// An nvinfer configuration made runnable on this machine: its network, its parser library, its
// pre- and post-processing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "deepstream/nvinfer_config.h"
#include "detect/nvinfer_postprocess.h"
#include "inference/engine.h"
#include "parser/custom_library.h"
#include "video/preprocess.h"

namespace edet::video {

// A request of the network with the geometry of the frame that is in it.
struct Slot {
  inference::Request request;
  float* input = nullptr;
  detect::FrameFit fit;
  unsigned frame_width = 0, frame_height = 0;
};

// What came out of one frame. `outputs` borrow the slot's memory.
struct Detected {
  std::vector<parser::OutputTensor> outputs;
  std::vector<detect::NetworkObject> network;  // after clustering, network pixels
  std::vector<detect::FrameObject> frame;      // what gst-nvinfer would attach, frame pixels
  bool parsed = true;                          // what the parse function returned
};

// Preprocess() is for one thread, Collect() for one thread, which may be another one.
class Detector {
 public:
  // Errors: those of the engine and the library; Unsupported (no detector, no ONNX file, no parse
  // function, an input that gst-nvinfer could not feed); Corrupt (config and model disagree).
  static Result<Detector> Load(const deepstream::NvinferConfig& config,
                               const inference::EngineOptions& options);

  unsigned optimal_slots() const { return engine_.optimal_requests(); }
  Result<Slot> CreateSlot() const;
  // Fills the slot's input; the slot must not run.
  void Preprocess(const BgrxView& frame, Slot& slot);
  // Waits for the slot's inference, then parses, clusters and scales back.
  Result<Detected> Collect(Slot& slot);

  unsigned network_width() const { return width_; }
  unsigned network_height() const { return height_; }
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  Detector(inference::Engine engine, parser::CustomLibrary library, Preprocessor preprocessor)
      : engine_(std::move(engine)),
        library_(std::move(library)),
        preprocessor_(std::move(preprocessor)) {}

  inference::Engine engine_;
  parser::CustomLibrary library_;
  Preprocessor preprocessor_;
  detect::PostprocessOptions postprocess_;
  std::vector<std::string> labels_;
  unsigned width_ = 0, height_ = 0;
};

}  // namespace edet::video
