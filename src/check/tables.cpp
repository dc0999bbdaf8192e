#include "check/tables.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "deepstream/platforms.h"

namespace edet::check {
namespace {

using Json = nlohmann::json;

// The text is a part of this program, checked by a test: what is wrong in it may throw.
ParserTable ReadParsers() {
  const Json json = Json::parse(k_parsers_json);
  ParserTable table;
  for (const auto& [version, names] : json.at("operators").items()) {
    for (const std::string name : names) table.operators[name] = version;
  }
  for (const Json& row : json.at("arguments"))
    table.arguments.push_back({row.at("op"), row.at("name"), row.at("input"), row.at("until")});
  for (const auto& [version, opset] : json.at("opsets").items())
    table.opsets.emplace_back(version, opset.get<int64_t>());
  std::sort(table.opsets.begin(), table.opsets.end(), [](const auto& a, const auto& b) {
    return deepstream::CompareVersions(a.first, b.first) < 0;
  });
  return table;
}

}  // namespace

int64_t ParserTable::MaxOpset(const std::string& version) const {
  int64_t most = 0;
  for (const auto& [since, opset] : opsets) {
    if (deepstream::CompareVersions(version, since) >= 0) most = opset;
  }
  return most;
}

const lint::RuleTable& CheckRules() {
  static const lint::RuleTable table(k_rules_json, "TensorRT");
  return table;
}

const ParserTable& Parsers() {
  static const ParserTable table = ReadParsers();
  return table;
}

}  // namespace edet::check
