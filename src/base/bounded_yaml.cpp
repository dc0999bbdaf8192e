#include "base/bounded_yaml.h"

namespace edet {
namespace {

constexpr size_t kMostDepth = 32;
constexpr size_t kMostValues = 100000;

// False: too deep or too many. An alias that stands for what it lies in ends here as well.
bool IsBounded(const YAML::Node& node, size_t depth, size_t& values) {
  if (depth > kMostDepth || ++values > kMostValues) return false;
  if (!node.IsMap() && !node.IsSequence()) return true;
  for (const auto& item : node) {
    bool pair = node.IsMap();
    if (pair && !IsBounded(item.first, depth + 1, values)) return false;
    if (!IsBounded(pair ? item.second : item, depth + 1, values)) return false;
  }
  return true;
}

}  // namespace

Result<YAML::Node> ParseBoundedYaml(const std::string& text, const std::string& where) {
  try {
    YAML::Node root = YAML::Load(text);
    size_t values = 0;
    if (IsBounded(root, 0, values)) return root;
  } catch (const YAML::Exception& error) {
    return Error{ErrorCode::kCorrupt, "is not YAML: " + error.msg,
                 where + ":" + std::to_string(error.mark.line + 1), ""};
  }
  return Error{ErrorCode::kLimitExceeded,
               "holds more than " + std::to_string(kMostValues) +
                   " values or is nested deeper than " + std::to_string(kMostDepth),
               where, "aliases count with all that they stand for"};
}

}  // namespace edet
