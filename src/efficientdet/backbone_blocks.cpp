#include "efficientdet/backbone_blocks.h"

#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace edet::efficientdet {
namespace {

// Numbers of a block by the names of AutoML's BlockArgs; strides as one number, 22 for (2, 2).
using Fields = std::map<std::string, double>;

constexpr const char* kFieldOrder[] = {
    "kernel_size", "num_repeat", "input_filters", "output_filters", "expand_ratio", "id_skip",
    "strides",     "se_ratio",   "conv_type",     "fused_conv",     "super_pixel",  "condconv"};

Error Corrupt(std::string what) {
  return {ErrorCode::kCorrupt, std::move(what), "backbone_config", ""};
}

Error Unsupported(std::string what) {
  return {ErrorCode::kUnsupported, std::move(what), "backbone_config", ""};
}

Result<double> NumberOf(const std::string& text, const std::string& field) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value) || std::fabs(value) > 1e6)
    return Corrupt(field + " '" + text + "' is not a number");
  return value;
}

const char* FieldOfLetter(std::string_view letter) {
  static const std::map<std::string_view, const char*> fields = {
      {"k", "kernel_size"},  {"r", "num_repeat"},  {"i", "input_filters"}, {"o", "output_filters"},
      {"e", "expand_ratio"}, {"s", "strides"},     {"se", "se_ratio"},     {"c", "conv_type"},
      {"f", "fused_conv"},   {"p", "super_pixel"},
  };
  auto found = fields.find(letter);
  return found == fields.end() ? nullptr : found->second;
}

// One part of the notation, such as "se0.25", "noskip" or "cc".
Status ReadPart(const std::string& part, Fields& fields) {
  if (part == "noskip") fields["id_skip"] = 0;
  if (part == "cc") fields["condconv"] = 1;
  if (part == "noskip" || part == "cc") return {};
  size_t digits = part.find_first_of("0123456789");
  const char* field = FieldOfLetter(std::string_view(part).substr(0, digits));
  if (field == nullptr || digits == std::string::npos)
    return Corrupt("'" + part + "' is no part of a block");
  EDET_ASSIGN_OR_RETURN(fields[field], NumberOf(part.substr(digits), field));
  return {};
}

Result<Fields> ReadNotation(const std::string& text) {
  Fields fields;
  for (size_t from = 0; from <= text.size();) {
    size_t to = std::min(text.find('_', from), text.size());
    EDET_RETURN_IF_ERROR(ReadPart(text.substr(from, to - from), fields));
    from = to + 1;
  }
  return fields;
}

bool IsNone(const YAML::Node& value) {
  return value.IsNull() || (value.IsScalar() && value.Scalar() == "None");
}

Status ReadField(const std::string& field, const YAML::Node& value, Fields& fields) {
  if (IsNone(value)) return {};
  bool truth = false;
  if (value.IsSequence() && field == "strides" && value.size() == 2 && value[0].IsScalar() &&
      value[1].IsScalar()) {
    EDET_ASSIGN_OR_RETURN(fields[field], NumberOf(value[0].Scalar() + value[1].Scalar(), field));
  } else if (!value.IsScalar()) {
    return Corrupt(field + " is not a number");
  } else if (YAML::convert<bool>::decode(value, truth)) {
    fields[field] = truth ? 1 : 0;
  } else {
    EDET_ASSIGN_OR_RETURN(fields[field], NumberOf(value.Scalar(), field));
  }
  return {};
}

Result<Fields> ReadOrdered(const YAML::Node& block) {
  if (block.size() != std::size(kFieldOrder)) {
    return Corrupt("a block has " + std::to_string(block.size()) + " values instead of " +
                   std::to_string(std::size(kFieldOrder)));
  }
  Fields fields;
  for (size_t i = 0; i < block.size(); ++i)
    EDET_RETURN_IF_ERROR(ReadField(kFieldOrder[i], block[i], fields));
  return fields;
}

Result<Fields> ReadNamed(const YAML::Node& block) {
  Fields fields;
  for (const auto& entry : block) {
    std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    bool known = false;
    for (const char* field : kFieldOrder) known |= name == field;
    if (!known) return Corrupt("a block has no value '" + name + "'");
    EDET_RETURN_IF_ERROR(ReadField(name, entry.second, fields));
  }
  return fields;
}

Result<Fields> ReadBlock(const YAML::Node& block) {
  if (block.IsScalar()) return ReadNotation(block.Scalar());
  if (block.IsSequence()) return ReadOrdered(block);
  if (block.IsMap()) return ReadNamed(block);
  return Corrupt("an empty block");
}

Result<int> Whole(const Fields& fields, const char* name) {
  auto found = fields.find(name);
  if (found == fields.end()) return Corrupt(std::string("a block without ") + name);
  if (found->second != std::floor(found->second))
    return Corrupt(std::string(name) + " is not a whole number");
  return static_cast<int>(found->second);
}

bool IsSet(const Fields& fields, const char* name) {
  auto found = fields.find(name);
  return found != fields.end() && found->second != 0;
}

Status RefuseWhatIsNotBuilt(const Fields& fields) {
  if (IsSet(fields, "condconv"))
    return Unsupported("has conditional convolutions (cc), which AutoML itself does not build");
  if (IsSet(fields, "super_pixel"))
    return Unsupported("has super_pixel: space-to-depth blocks are not converted");
  auto conv_type = fields.find("conv_type");
  if (conv_type != fields.end() && conv_type->second != 0 && conv_type->second != 1)
    return Unsupported("has a conv_type other than 0 and 1");
  if (IsSet(fields, "conv_type") && fields.at("expand_ratio") != 1) {
    return Unsupported(
        "has conv_type 1 with an expand_ratio: AutoML gives both of its batch norms one name");
  }
  return {};
}

// As 11 or 22.
Result<int> StrideOf(const Fields& fields) {
  EDET_ASSIGN_OR_RETURN(int strides, Whole(fields, "strides"));
  if (strides == 11 || strides == 22) return strides / 11;
  return Unsupported("has strides other than (1, 1) and (2, 2): feature levels halve both sides");
}

Result<Stage> StageOf(const Fields& fields) {
  Stage stage{};
  EDET_ASSIGN_OR_RETURN(stage.repeats, Whole(fields, "num_repeat"));
  EDET_ASSIGN_OR_RETURN(stage.kernel, Whole(fields, "kernel_size"));
  EDET_ASSIGN_OR_RETURN(stage.stride, StrideOf(fields));
  EDET_ASSIGN_OR_RETURN(stage.expand, Whole(fields, "expand_ratio"));
  EDET_ASSIGN_OR_RETURN(stage.input_filters, Whole(fields, "input_filters"));
  EDET_ASSIGN_OR_RETURN(stage.output_filters, Whole(fields, "output_filters"));
  EDET_RETURN_IF_ERROR(RefuseWhatIsNotBuilt(fields));
  auto ratio = fields.find("se_ratio");
  stage.se_ratio = ratio == fields.end() ? 0. : ratio->second;
  stage.id_skip = fields.count("id_skip") == 0 || IsSet(fields, "id_skip");
  if (IsSet(fields, "fused_conv")) stage.kind = BlockKind::kFused;
  if (IsSet(fields, "conv_type")) stage.kind = BlockKind::kPointwise;
  return stage;
}

}  // namespace

Result<std::vector<Stage>> ReadBackboneBlocks(const YAML::Node& config) {
  YAML::Node blocks = config.IsMap() ? config["blocks"] : config;
  if (!blocks.IsDefined() || !blocks.IsSequence() || blocks.size() == 0) {
    return Error{ErrorCode::kCorrupt, "has no list 'blocks'", "backbone_config",
                 "blocks are written r2_k5_s22_e6_i24_o40_se0.25"};
  }
  std::vector<Stage> stages;
  for (const YAML::Node& block : blocks) {
    std::string number = std::to_string(stages.size());
    Result<Fields> fields = ReadBlock(block);
    Result<Stage> stage = fields.ok() ? StageOf(*fields) : Result<Stage>(fields.error());
    if (!stage.ok()) {
      Error error = stage.error();
      error.what = "block " + number + ": " + error.what;
      return error;
    }
    stages.push_back(*stage);
  }
  return stages;
}

}  // namespace edet::efficientdet
