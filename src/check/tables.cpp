#include "check/tables.h"

#include <nlohmann/json.hpp>

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
  return table;
}

}  // namespace

const lint::RuleTable& CheckRules() {
  static const lint::RuleTable table(k_rules_json, "TensorRT");
  return table;
}

const ParserTable& Parsers() {
  static const ParserTable table = ReadParsers();
  return table;
}

}  // namespace edet::check
