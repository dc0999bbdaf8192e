#include "parser/library/options.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "parser/library/report.h"

namespace edet {
namespace parser {
namespace {

void Refuse(const char* key, const char* value, const char* expected) {
  if (!ShouldReport(Cause::kBadOption)) return;
  PrintReport(Cause::kBadOption, std::string(key) + "=" + std::string(value).substr(0, 100) +
                                     " is ignored: expected " + expected);
}

void ReadContract(Options* options) {
  const char* value = std::getenv("EDET_PARSER_CONTRACT");
  if (value == nullptr) return;
  static const struct {
    const char* name;
    Contract contract;
  } contracts[] = {{"auto", Contract::kAuto},
                   {"nms", Contract::kNms},
                   {"rows", Contract::kRows},
                   {"decoded", Contract::kDecoded},
                   {"raw", Contract::kRaw}};
  for (const auto& known : contracts) {
    if (std::strcmp(value, known.name) != 0) continue;
    options->contract = known.contract;
    return;
  }
  Refuse("EDET_PARSER_CONTRACT", value, "auto, nms, rows, decoded or raw");
}

void ReadFrame(Options* options) {
  const char* value = std::getenv("EDET_PARSER_FRAME");
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
void ReadNumber(const char* key, float min, float max, const char* expected, float* number) {
  const char* value = std::getenv(key);
  if (value == nullptr) return;
  char* end = nullptr;
  const float read = std::strtof(value, &end);
  if (end == value || *end != '\0' || !(read >= min && read <= max))
    return Refuse(key, value, expected);
  *number = read;
}

void ReadNms(Options* options) {
  if (const char* value = std::getenv("EDET_PARSER_NMS")) {
    options->per_class = std::strcmp(value, "per-class") == 0;
    if (!options->per_class && std::strcmp(value, "automl") != 0) {
      Refuse("EDET_PARSER_NMS", value, "automl or per-class");
    }
  }
  ReadNumber("EDET_PARSER_IOU", 0.F, 1.F, "a number from 0 to 1", &options->iou_threshold);
  ReadNumber("EDET_PARSER_SOFT_SIGMA", 0.F, 100.F, "a number from 0 to 100", &options->soft_sigma);
  ReadNumber("EDET_PARSER_ANCHOR_SCALE", 0.1F, 100.F, "a number from 0.1 to 100",
             &options->anchor_scale);
  auto max_objects = static_cast<float>(options->max_objects);
  ReadNumber("EDET_PARSER_MAX_OBJECTS", 1.F, 5000.F, "a number from 1 to 5000", &max_objects);
  options->max_objects = static_cast<size_t>(max_objects);
}

Options Read() {
  Options options;
  ReadContract(&options);
  ReadFrame(&options);
  ReadNms(&options);
  return options;
}

const Options options_of_environment = Read();

}  // namespace

const Options& OptionsOfEnvironment() { return options_of_environment; }

}  // namespace parser
}  // namespace edet
