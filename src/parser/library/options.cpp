#include "parser/library/options.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "parser/library/anchor_spec.h"
#include "parser/library/option_file.h"
#include "parser/library/report.h"

namespace edet {
namespace parser {
namespace {

void Refuse(const char* key, const char* value, const char* expected) {
  if (!ShouldReport(Cause::kBadOption)) return;
  PrintReport(Cause::kBadOption, std::string(key) + "=" + std::string(value).substr(0, 100) +
                                     " is ignored: expected " + expected);
}

void ReadContract(const OptionValues& values, Options* options) {
  const char* value = values.Find("EDET_PARSER_CONTRACT");
  if (value == nullptr) return;
  static const struct {
    const char* name;
    Contract contract;
  } contracts[] = {
      {"auto", Contract::kAuto}, {"nms", Contract::kNms},   {"tensorflow", Contract::kTensorFlow},
      {"tao", Contract::kTao},   {"rows", Contract::kRows}, {"decoded", Contract::kDecoded},
      {"raw", Contract::kRaw}};
  for (const auto& known : contracts) {
    if (std::strcmp(value, known.name) != 0) continue;
    options->contract = known.contract;
    return;
  }
  Refuse("EDET_PARSER_CONTRACT", value, "auto, nms, tensorflow, tao, rows, decoded or raw");
}

bool ReadBoxWord(const std::string& word, Options* options) {
  static const struct {
    const char* name;
    BoxOrder order;
  } orders[] = {{"yxyx", BoxOrder::kYxyx}, {"xyxy", BoxOrder::kXyxy}, {"xywh", BoxOrder::kXywh}};
  for (const auto& known : orders) {
    if (word != known.name) continue;
    options->order = known.order;
    options->order_told = true;
    return true;
  }
  if (word != "pixels" && word != "normalized") return false;
  options->unit = word == "pixels" ? BoxUnit::kPixels : BoxUnit::kNormalized;
  options->unit_told = true;
  return true;
}

void ReadBoxes(const OptionValues& values, Options* options) {
  const char* value = values.Find("EDET_PARSER_BOXES");
  if (value == nullptr) return;
  Options read = *options;
  const std::string words = value;
  const size_t comma = words.find(',');
  bool understood = ReadBoxWord(words.substr(0, comma), &read);
  if (comma != std::string::npos) understood &= ReadBoxWord(words.substr(comma + 1), &read);
  if (!understood)
    return Refuse("EDET_PARSER_BOXES", value,
                  "yxyx, xyxy or xywh, and pixels or normalized, with a comma between");
  *options = read;
}

// 0 or 1; `number` stays as it is otherwise.
void ReadBit(const OptionValues& values, const char* key, int* number) {
  const char* value = values.Find(key);
  if (value == nullptr) return;
  if (std::strcmp(value, "0") != 0 && std::strcmp(value, "1") != 0)
    return Refuse(key, value, "0 or 1");
  *number = value[0] - '0';
}

void ReadIntegers(const OptionValues& values, Options* options) {
  ReadBit(values, "EDET_PARSER_CLASS_BASE", &options->class_base);
  int half_is_int16 = 0;
  ReadBit(values, "EDET_PARSER_INT16", &half_is_int16);
  options->half_is_int16 = half_is_int16 == 1;
}

void ReadFrame(const OptionValues& values, Options* options) {
  const char* value = values.Find("EDET_PARSER_FRAME");
  if (value == nullptr) return;
  unsigned width = 0, height = 0;
  int end = 0;
  // The widths keep the numbers in range; strtoul alone would take "-1" and " 7".
  const int got = std::sscanf(value, "%5ux%5u%n", &width, &height, &end);  // NOLINT(cert-err34-c)
  const bool symmetric = got == 2 && std::strcmp(value + end, ",symmetric") == 0;
  if (got != 2 || width < 2 || height < 2 || (value[end] != '\0' && !symmetric)) {
    return Refuse("EDET_PARSER_FRAME", value, "WIDTHxHEIGHT or WIDTHxHEIGHT,symmetric");
  }
  options->frame_width = width;
  options->frame_height = height;
  options->symmetric_padding = symmetric;
}

// A number in [min, max]; `number` stays as it is otherwise.
void ReadNumber(const OptionValues& values, const char* key, float min, float max,
                const char* expected, float* number) {
  const char* value = values.Find(key);
  if (value == nullptr) return;
  char* end = nullptr;
  const float read = std::strtof(value, &end);
  if (end == value || *end != '\0' || !(read >= min && read <= max))
    return Refuse(key, value, expected);
  *number = read;
}

void ReadNmsKind(const OptionValues& values, Options* options) {
  const char* value = values.Find("EDET_PARSER_NMS");
  if (value == nullptr) return;
  static const struct {
    const char* name;
    NmsKind kind;
  } kinds[] = {{"automl", NmsKind::kGlobal},
               {"best-per-class", NmsKind::kBestPerClass},
               {"per-class", NmsKind::kPerClass}};
  for (const auto& known : kinds) {
    if (std::strcmp(value, known.name) != 0) continue;
    options->nms = known.kind;
    return;
  }
  Refuse("EDET_PARSER_NMS", value, "automl, best-per-class or per-class");
}

void ReadAnchors(const OptionValues& values, Options* options) {
  std::string spec;
  const char* key = "EDET_PARSER_ANCHORS";
  const char* value = values.Find(key);
  if (value != nullptr) {
    spec = value;
  } else {
    key = "EDET_PARSER_ANCHOR_SCALE";
    value = values.Find(key);
    if (value == nullptr) return;
    spec = std::string("a") + value;
  }
  detect::AnchorConfig config;
  if (!ReadAnchorSpec(spec.data(), spec.size(), &config))
    return Refuse(key, value, "a5_s3_r1-2-0.5 (scale, octaves, aspect ratios), or a scale alone");
  options->anchors = spec;
}

void ReadNms(const OptionValues& values, Options* options) {
  ReadNmsKind(values, options);
  ReadNumber(values, "EDET_PARSER_IOU", 0.F, 1.F, "a number from 0 to 1", &options->iou_threshold);
  ReadNumber(values, "EDET_PARSER_SOFT_SIGMA", 0.F, 100.F, "a number from 0 to 100",
             &options->soft_sigma);
  auto max_objects = static_cast<float>(options->max_objects);
  ReadNumber(values, "EDET_PARSER_MAX_OBJECTS", 1.F, 5000.F, "a number from 1 to 5000",
             &max_objects);
  options->max_objects = static_cast<size_t>(max_objects);
}

bool IsKnown(const std::string& key) {
  static const char* const keys[] = {
      "EDET_PARSER_CONTRACT", "EDET_PARSER_BOXES",       "EDET_PARSER_CLASS_BASE",
      "EDET_PARSER_INT16",    "EDET_PARSER_FRAME",       "EDET_PARSER_NMS",
      "EDET_PARSER_IOU",      "EDET_PARSER_SOFT_SIGMA",  "EDET_PARSER_MAX_OBJECTS",
      "EDET_PARSER_ANCHORS",  "EDET_PARSER_ANCHOR_SCALE"};
  for (const char* known : keys) {
    if (key == known) return true;
  }
  return false;
}

Options Read() {
  const OptionValues values;
  Options options;
  for (const std::string& key : values.Unknown(IsKnown)) {
    Refuse(key.c_str(), "..", "one of the options in docs/parser.md");
  }
  ReadContract(values, &options);
  ReadBoxes(values, &options);
  ReadIntegers(values, &options);
  ReadFrame(values, &options);
  ReadNms(values, &options);
  ReadAnchors(values, &options);
  return options;
}

const Options options_of_environment = Read();

}  // namespace

const Options& OptionsOfEnvironment() { return options_of_environment; }

}  // namespace parser
}  // namespace edet
