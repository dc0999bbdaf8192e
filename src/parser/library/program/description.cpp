#include "parser/library/program/description.h"

#define EDET_TEXT_OF(number) #number
#define EDET_TEXT(macro) EDET_TEXT_OF(macro)
#define EDET_CONTRACT(name, suffix, tensors) \
  "contract " name " NvDsInferParseEfficientDet" suffix " " tensors "\n"

#if defined(__clang__)
#define EDET_COMPILER __VERSION__
#else
#define EDET_COMPILER "GCC " __VERSION__
#endif

namespace edet {
namespace parser {

__attribute__((used, section("edet_parser"))) const char kDescription[] =
    "version " EDET_VERSION
    "\n"
    "compiler " EDET_COMPILER
    "\n"
    "standard " EDET_TEXT(__cplusplus)
    "\n"
    "objects 24 28\n"
    EDET_CONTRACT("auto", "", "any of the following, by names, shapes and types")
    EDET_CONTRACT("nms", "Nms",
                  "num_detections [1], detection_boxes [M,4] y1,x1,y2,x2 pixels, "
                  "detection_scores [M], detection_classes [M] 0-based")
    EDET_CONTRACT("tensorflow", "TensorFlow",
                  "the same four names, all floats: boxes y1,x1,y2,x2 from 0 to 1, classes 1-based")
    EDET_CONTRACT("tao", "Tao", "TAO EfficientDet's four tensors: as nms")
    EDET_CONTRACT("rows", "Rows",
                  "detections [M,7]: image_id, ymin, xmin, ymax, xmax pixels, score, class 1-based")
    EDET_CONTRACT("decoded", "Decoded", "boxes [A,4] y1,x1,y2,x2 pixels, scores [A,C]")
    EDET_CONTRACT("raw", "Raw", "class_logits [A,C], box_deltas [A,4] in AutoML's anchor order");

}  // namespace parser
}  // namespace edet
