#include "lint/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <regex>

namespace edet::lint {
namespace {

std::optional<double> AsNumber(const std::string& text) {
  if (text == "true") return 1.;
  if (text == "false") return 0.;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return number;
}

bool SameValue(const std::string& a, const std::string& b) {
  const std::optional<double> x = AsNumber(a), y = AsNumber(b);
  return x && y ? *x == *y : a == b;
}

bool IsOneOf(const std::string& value, const std::vector<std::string>& list) {
  return std::any_of(list.begin(), list.end(),
                     [&value](const std::string& item) { return SameValue(value, item); });
}

// The value without a comment that GLib would skip.
std::string ValueOf(const Entry& entry) { return entry.text.substr(0, entry.text.find(" #")); }

bool NumberHolds(const KeyTest& test, const std::string& value) {
  if (!test.below && !test.above) return true;
  const std::optional<double> number = AsNumber(value);
  if (!number) return false;
  return (!test.below || *number < *test.below) && (!test.above || *number > *test.above);
}

bool ValueHolds(const KeyTest& test, const std::string& value) {
  if (!test.is.empty() && !IsOneOf(value, test.is)) return false;
  if (!test.is_not.empty() && IsOneOf(value, test.is_not)) return false;
  if (!test.matches.empty() && !std::regex_search(value, std::regex(test.matches))) return false;
  return NumberHolds(test, value);
}

bool AsksForValue(const KeyTest& test) {
  return !test.is.empty() || !test.is_not.empty() || !test.matches.empty() || test.below ||
         test.above;
}

bool Holds(const ConfigText& file, const std::string& group, const KeyTest& test) {
  if (!test.any.empty()) {
    return std::any_of(test.any.begin(), test.any.end(),
                       [&](const KeyTest& choice) { return Holds(file, group, choice); });
  }
  const Entry* entry = file.Find(test.group.empty() ? group : test.group, test.key);
  if (test.set && *test.set != (entry != nullptr)) return false;
  if (entry != nullptr) return ValueHolds(test, ValueOf(*entry));
  if (test.absent) return ValueHolds(test, *test.absent);
  return !AsksForValue(test);
}

bool FitsTarget(const Condition& condition, const Report& report) {
  if (!report.target())
    return !condition.targeted && condition.device.empty() && condition.platform.empty();
  if (!condition.device.empty() && (condition.device == "jetson") != *report.IsJetson())
    return false;
  return condition.platform.empty() ||
         std::regex_search(report.target()->name, std::regex(condition.platform));
}

std::string Filled(std::string text, const std::string& name, const std::string& value) {
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
    text.replace(at, name.size(), value);
    at += value.size();
  }
  return text;
}

std::vector<TextEdit> EditsOf(const ConfigText& file, const std::string& group,
                              const Condition& condition) {
  const Entry* entry = file.Find(group, condition.at);
  if (condition.put) return {file.Put(group, condition.put->first, condition.put->second)};
  if (entry != nullptr && condition.drop) return {file.RemoveLine(*entry)};
  if (entry != nullptr && !condition.rename.empty())
    return {file.ReplaceKey(*entry, condition.rename)};
  return {};
}

void CheckGroup(const ConfigText& file, const Group& group, const Rule& rule, Report& report) {
  const Condition& condition = *rule.when;
  if (!FitsPattern(condition.group, group.name)) return;
  if (condition.enabled && file.Int(group.name, "enable").value_or(0) == 0) return;
  const bool holds =
      std::all_of(condition.tests.begin(), condition.tests.end(),
                  [&](const KeyTest& test) { return Holds(file, group.name, test); });
  if (!holds) return;
  const Entry* entry = file.Find(group.name, condition.at);
  std::string message = Filled(condition.message, "{group}", group.name);
  message = Filled(message, "{key}", condition.at);
  message = Filled(message, "{value}", entry == nullptr ? "" : entry->text);
  Place place = file.At(group.name, condition.at);
  report.Add(rule.id.c_str(), std::move(place), std::move(message), "",
             EditsOf(file, group.name, condition));
}

}  // namespace

bool FitsPattern(const std::string& pattern, const std::string& name) {
  const size_t star = pattern.find('*');
  if (star == std::string::npos) return pattern == name;
  if (name.compare(0, star, pattern, 0, star) != 0) return false;
  const std::string rest = pattern.substr(star + 1);
  for (size_t at = star; at <= name.size(); ++at) {
    if (FitsPattern(rest, name.substr(at))) return true;
  }
  return false;
}

void CheckConditions(const ConfigText& file, const std::string& kind, bool standalone,
                     Report& report) {
  for (const Rule& rule : LintRules().rules()) {
    if (!rule.when || rule.when->file != kind || !FitsTarget(*rule.when, report)) continue;
    if (rule.when->standalone && !standalone) continue;
    for (const Group& group : file.groups()) CheckGroup(file, group, rule, report);
  }
}

}  // namespace edet::lint
