#include "deepstream/yaml_values.h"

#include <stdexcept>

namespace edet::deepstream {
namespace {

using Value = KeyFile::Value;

// std::stoul gives 64 bits; what they keep are 32.
int Low32(uint64_t number) { return static_cast<int>(static_cast<uint32_t>(number)); }

template <typename T, typename F>
std::vector<T> EachPiece(const std::string& text, F convert) {
  std::vector<T> list;
  for (const std::string& piece : SplitText(text, ';')) list.push_back(convert(piece));
  return list;
}

int ToInt(const std::string& text) { return std::stoi(text); }
int ToUnsigned(const std::string& text) { return Low32(std::stoul(text)); }
double ToDouble(const std::string& text) { return std::stod(text); }

Value ConvertText(const std::string& text, YamlForm form) {
  switch (form) {
    case YamlForm::kTextInt:
      return ToInt(text);
    case YamlForm::kTextUnsigned:
      return ToUnsigned(text);
    case YamlForm::kTextInts:
      return EachPiece<int>(text, ToInt);
    case YamlForm::kTextUnsigneds:
      return EachPiece<int>(text, ToUnsigned);
    case YamlForm::kTextDoubles:
      return EachPiece<double>(text, ToDouble);
    case YamlForm::kStrings:
    case YamlForm::kPaths:
      return SplitText(text, ';');
    default:
      return text;
  }
}

Value ConvertNode(const YAML::Node& node, YamlForm form) {
  switch (form) {
    case YamlForm::kInt:
      return node.as<int>();
    case YamlForm::kUnsigned:
      return Low32(node.as<unsigned>());
    case YamlForm::kDouble:
      return node.as<double>();
    case YamlForm::kUint64:
      return uint64_t{node.as<uint64_t>()};
    default:
      return ConvertText(node.as<std::string>(), form);
  }
}

const char* WantedBy(YamlForm form) {
  switch (form) {
    case YamlForm::kInt:
    case YamlForm::kTextInt:
      return "is no whole number (switches are 0 and 1)";
    case YamlForm::kUnsigned:
    case YamlForm::kUint64:
    case YamlForm::kTextUnsigned:
      return "is no whole number from 0 on";
    case YamlForm::kDouble:
      return "is no number";
    case YamlForm::kTextInts:
    case YamlForm::kTextUnsigneds:
    case YamlForm::kTextDoubles:
      return "is no text of numbers with ';' between them";
    default:
      return "is no text (lists are written as one text with ';' between the parts)";
  }
}

// What yaml-cpp and the standard library throw at a value that is none of theirs.
template <typename F>
Result<Value> Guarded(YamlForm form, F convert) {
  try {
    return convert();
  } catch (const YAML::Exception&) {
  } catch (const std::logic_error&) {
  }
  return Error{ErrorCode::kCorrupt, std::string("the value ") + WantedBy(form), "", ""};
}

YamlForm FormOf(ValueType type) {
  switch (type) {
    case ValueType::kInteger:
    case ValueType::kBoolean:
      return YamlForm::kInt;
    case ValueType::kDouble:
      return YamlForm::kDouble;
    case ValueType::kUint64:
      return YamlForm::kUint64;
    case ValueType::kIntegerList:
      return YamlForm::kTextInts;
    case ValueType::kDoubleList:
      return YamlForm::kTextDoubles;
    case ValueType::kStringList:
      return YamlForm::kStrings;
    case ValueType::kString:
    case ValueType::kPath:
      break;
  }
  return YamlForm::kString;
}

}  // namespace

std::vector<std::string> SplitText(const std::string& text, char separator) {
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (size_t end = text.find(separator); end != std::string::npos;
       end = text.find(separator, begin)) {
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

Result<Value> YamlValue(const YAML::Node& node, YamlForm form) {
  return Guarded(form, [&] { return ConvertNode(node, form); });
}

Result<Value> TextValue(const std::string& text, YamlForm form) {
  return Guarded(form, [&] { return ConvertText(text, form); });
}

Result<Value> YamlValue(const YAML::Node& node, ValueType type) {
  EDET_ASSIGN_OR_RETURN(Value value, YamlValue(node, FormOf(type)));
  if (type == ValueType::kBoolean) return Value(std::get<int>(value) != 0);
  return value;
}

}  // namespace edet::deepstream
