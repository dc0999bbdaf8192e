#include "efficientdet/labels.h"

#include <cstddef>

namespace edet::efficientdet {
namespace {

// The category names of COCO by id 1..90 (cocodataset, annotations of 2017); null: an id that COCO
// does not use.
constexpr const char* kCocoNames[90] = {
    "person",       "bicycle",      "car",           "motorcycle",    "airplane",
    "bus",          "train",        "truck",         "boat",          "traffic light",
    "fire hydrant", nullptr,        "stop sign",     "parking meter", "bench",
    "bird",         "cat",          "dog",           "horse",         "sheep",
    "cow",          "elephant",     "bear",          "zebra",         "giraffe",
    nullptr,        "backpack",     "umbrella",      nullptr,         nullptr,
    "handbag",      "tie",          "suitcase",      "frisbee",       "skis",
    "snowboard",    "sports ball",  "kite",          "baseball bat",  "baseball glove",
    "skateboard",   "surfboard",    "tennis racket", "bottle",        nullptr,
    "wine glass",   "cup",          "fork",          "knife",         "spoon",
    "bowl",         "banana",       "apple",         "sandwich",      "orange",
    "broccoli",     "carrot",       "hot dog",       "pizza",         "donut",
    "cake",         "chair",        "couch",         "potted plant",  "bed",
    nullptr,        "dining table", nullptr,         nullptr,         "toilet",
    nullptr,        "tv",           "laptop",        "mouse",         "remote",
    "keyboard",     "cell phone",   "microwave",     "oven",          "toaster",
    "sink",         "refrigerator", nullptr,         "book",          "clock",
    "vase",         "scissors",     "teddy bear",    "hair drier",    "toothbrush",
};

}  // namespace

std::vector<std::string> DefaultLabels(int num_classes) {
  std::vector<std::string> labels;
  for (int id = 1; id <= num_classes; ++id) {
    if (num_classes != 90) {
      labels.push_back("class_" + std::to_string(id));
      continue;
    }
    const char* name = kCocoNames[id - 1];
    labels.push_back(name != nullptr ? name : "unused_" + std::to_string(id));
  }
  return labels;
}

}  // namespace edet::efficientdet
