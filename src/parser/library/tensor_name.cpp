#include "parser/library/tensor_name.h"

#include <cstring>
#include <initializer_list>

namespace edet {
namespace parser {
namespace {

struct KnownName {
  const char* text;
  size_t length;
  Role role;
  bool of_tensorflow;
  BoxOrder order;
};

#define EDET_NAME(text, ...) \
  { text, sizeof(text) - 1, __VA_ARGS__ }

const KnownName kKnownNames[] = {
    EDET_NAME("num_detections", Role::kCount, true, BoxOrder::kYxyx),
    EDET_NAME("detection_boxes", Role::kBoxes, true, BoxOrder::kYxyx),
    EDET_NAME("detection_scores", Role::kScores, true, BoxOrder::kYxyx),
    EDET_NAME("detection_classes", Role::kClasses, true, BoxOrder::kYxyx),
    EDET_NAME("num_dets", Role::kCount, false, BoxOrder::kYxyx),
    EDET_NAME("det_boxes", Role::kBoxes, false, BoxOrder::kXyxy),
    EDET_NAME("det_scores", Role::kScores, false, BoxOrder::kYxyx),
    EDET_NAME("det_classes", Role::kClasses, false, BoxOrder::kYxyx),
    EDET_NAME("detections", Role::kRows, false, BoxOrder::kYxyx),
    EDET_NAME("boxes", Role::kDenseBoxes, false, BoxOrder::kYxyx),
    EDET_NAME("scores", Role::kDenseScores, false, BoxOrder::kYxyx),
    EDET_NAME("class_logits", Role::kLogits, false, BoxOrder::kYxyx),
    EDET_NAME("box_deltas", Role::kDeltas, false, BoxOrder::kYxyx),
    EDET_NAME("cls_outputs", Role::kLogits, false, BoxOrder::kYxyx),
    EDET_NAME("class_outputs", Role::kLogits, false, BoxOrder::kYxyx),
    EDET_NAME("box_outputs", Role::kDeltas, false, BoxOrder::kYxyx),
    EDET_NAME("raw_detection_boxes", Role::kIgnored, true, BoxOrder::kYxyx),
    EDET_NAME("raw_detection_scores", Role::kIgnored, true, BoxOrder::kYxyx),
    EDET_NAME("detection_anchor_indices", Role::kIgnored, true, BoxOrder::kYxyx),
    EDET_NAME("detection_multiclass_scores", Role::kIgnored, true, BoxOrder::kYxyx),
};

#undef EDET_NAME

// A piece of a name.
struct Text {
  const char* begin;
  size_t length;
  bool Is(const char* text, size_t text_length) const {
    return length == text_length && std::memcmp(begin, text, length) == 0;
  }
  bool EndsWith(const char* text) const {
    const size_t size = std::strlen(text);
    return length > size && std::memcmp(begin + length - size, text, size) == 0;
  }
  bool Contains(const char* text) const {
    const size_t size = std::strlen(text);
    for (size_t i = 0; i + size <= length; ++i) {
      if (std::memcmp(begin + i, text, size) == 0) return true;
    }
    return false;
  }
};

// Without a closing ":0" or another number.
Text WithoutOutputNumber(const char* name) {
  size_t length = std::strlen(name);
  size_t end = length;
  while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9') --end;
  if (end > 0 && end < length && name[end - 1] == ':') length = end - 1;
  return {name, length};
}

Text AfterLastSlash(Text text) {
  for (size_t i = text.length; i > 0; --i) {
    if (text.begin[i - 1] == '/') return {text.begin + i, text.length - i};
  }
  return text;
}

const KnownName* Find(Text text) {
  for (const KnownName& known : kKnownNames) {
    if (text.Is(known.text, known.length)) return &known;
  }
  return nullptr;
}

void CutAnchors(Text* text, TensorName* read) {
  for (size_t i = 1; i + 2 < text->length; ++i) {
    if (text->begin[i] != '_' || text->begin[i + 1] != '_') continue;
    read->anchors = text->begin + i + 2;
    read->anchors_length = text->length - i - 2;
    text->length = i;
    return;
  }
}

bool CutEnding(const char* ending, Text* text) {
  if (!text->EndsWith(ending)) return false;
  text->length -= std::strlen(ending);
  return true;
}

// "_xyxy", "_normalized" and the like, in any order.
void CutBoxWords(Text* text, TensorName* read) {
  static const struct {
    const char* ending;
    BoxOrder order;
  } orders[] = {{"_yxyx", BoxOrder::kYxyx}, {"_xyxy", BoxOrder::kXyxy}, {"_xywh", BoxOrder::kXywh}};
  for (int word = 0; word < 2; ++word) {
    for (const auto& known : orders) {
      if (read->order_told || !CutEnding(known.ending, text)) continue;
      read->order_told = true;
      read->order = known.order;
    }
    if (read->unit_told) continue;
    if (CutEnding("_normalized", text)) {
      read->unit_told = true;
      read->unit = BoxUnit::kNormalized;
    } else if (CutEnding("_pixels", text)) {
      read->unit_told = true;
      read->unit = BoxUnit::kPixels;
    }
  }
}

// The heads of one level as AutoML's graph names them: "class_net/class-predict_1/BiasAdd:0".
Role RoleOfLevel(Text whole_name) {
  for (const char* part : {"class_net", "class-predict", "class_logits", "cls_outputs"}) {
    if (whole_name.Contains(part)) return Role::kLogits;
  }
  for (const char* part : {"box_net", "box-predict", "box_deltas", "box_outputs"}) {
    if (whole_name.Contains(part)) return Role::kDeltas;
  }
  return Role::kUnknown;
}

}  // namespace

TensorName ReadTensorName(const char* name) {
  TensorName read;
  if (name == nullptr) return read;
  const Text whole = WithoutOutputNumber(name);
  Text text = AfterLastSlash(whole);
  const KnownName* known = Find(text);
  if (known == nullptr) {
    CutAnchors(&text, &read);
    CutBoxWords(&text, &read);
    known = Find(text);
  }
  if (known == nullptr) {
    read.role = RoleOfLevel(whole);
    return read;
  }
  read.role = known->role;
  read.of_tensorflow = known->of_tensorflow && !read.order_told && !read.unit_told;
  if (!read.order_told) read.order = known->order;
  // "det_boxes" is a name of x1,y1,x2,y2 only: it tells the order by itself.
  read.order_told = read.order_told || known->order != BoxOrder::kYxyx;
  return read;
}

}  // namespace parser
}  // namespace edet
