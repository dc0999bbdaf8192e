// The functions that a config names as parse-bbox-func-name. Each is a NvDsInferParseCustomFunc.
//
// They always return true: gst-nvinfer ignores false and then reads memory that nobody wrote. A
// frame that cannot be read yields no objects and a line on standard error.
#include <exception>

#include "parser/library/abi.h"
#include "parser/library/contracts.h"
#include "parser/library/object_list.h"
#include "parser/library/options.h"
#include "parser/library/report.h"

#define EDET_EXPORT __attribute__((visibility("default")))

namespace edet {
namespace parser {
namespace {

void ParseAs(Contract contract, const Frame& frame) {
  switch (contract) {
    case Contract::kNms:
    case Contract::kTensorFlow:
    case Contract::kTao:
      return ParseFourTensors(contract, frame);
    case Contract::kRows:
      return ParseRows(frame);
    case Contract::kDecoded:
      return ParseDecoded(frame);
    case Contract::kRaw:
      return ParseRaw(frame);
    case Contract::kAuto:
      return ReportLayout(
          frame.tensors.layers,
          "EfficientNMS's num_detections, detection_boxes, detection_scores, detection_classes; or "
          "AutoML's detections [M, 7]; or boxes and scores; or class_logits and box_deltas");
  }
}

// No exception may leave: the caller is nvinfer's thread.
bool Parse(Contract contract, const Layers& layers, const abi::NetworkInfo& network,
           const abi::DetectionParams& params, void* objects) noexcept {
  try {
    const Options& options = OptionsOfEnvironment();
    ObjectList list(network, params, options, objects);
    if (!list.ok()) return true;
    const NamedLayers tensors(layers);
    if (contract == Contract::kAuto) contract = options.contract;
    if (contract == Contract::kAuto) contract = Recognise(tensors);
    ParseAs(contract, {tensors, options, list});
    list.Finish();
  } catch (const std::exception& error) {
    if (ShouldReport(Cause::kException)) PrintReport(Cause::kException, error.what());
  } catch (...) {
    if (ShouldReport(Cause::kException)) PrintReport(Cause::kException, "unknown exception");
  }
  return true;
}

}  // namespace
}  // namespace parser
}  // namespace edet

#define EDET_PARSE_FUNCTION(name, contract)                                               \
  extern "C" EDET_EXPORT bool name(                                                       \
      const edet::parser::Layers& layers, const edet::parser::abi::NetworkInfo& network,  \
      const edet::parser::abi::DetectionParams& params, void* objects) {                  \
    return edet::parser::Parse(edet::parser::Contract::contract, layers, network, params, \
                               objects);                                                  \
  }

// Decides by the tensors' names and shapes.
EDET_PARSE_FUNCTION(NvDsInferParseEfficientDet, kAuto)
// EfficientNMS_TRT's four tensors.
EDET_PARSE_FUNCTION(NvDsInferParseEfficientDetNms, kNms)
// The four tensors of TensorFlow's object-detection API.
EDET_PARSE_FUNCTION(NvDsInferParseEfficientDetTensorFlow, kTensorFlow)
// TAO EfficientDet's four tensors.
EDET_PARSE_FUNCTION(NvDsInferParseEfficientDetTao, kTao)
// AutoML's [M, 7] rows.
EDET_PARSE_FUNCTION(NvDsInferParseEfficientDetRows, kRows)
// Decoded boxes and scores of every anchor.
EDET_PARSE_FUNCTION(NvDsInferParseEfficientDetDecoded, kDecoded)
// The heads as they are.
EDET_PARSE_FUNCTION(NvDsInferParseEfficientDetRaw, kRaw)
