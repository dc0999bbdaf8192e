#include "cli/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace edet::cli {
namespace {

struct Group {
  const char* name;
  const char* title;
  bool is_job;
};

constexpr Group kGroups[] = {{"machine", "This machine", false},
                             {"convert", "For 'edet convert'", true},
                             {"run", "For 'edet run'", true},
                             {"device", "For DeepStream itself", false}};

const char* Word(Check::State state) {
  switch (state) {
    case Check::State::kFound:
      return "found";
    case Check::State::kMissing:
      return "missing";
    case Check::State::kAbsent:
      break;
  }
  return "absent";
}

// `edet run` reads what `edet convert` writes, parser library included.
bool CanDo(const std::vector<Check>& checks, const std::string& job) {
  return std::none_of(checks.begin(), checks.end(), [&](const Check& check) {
    return check.state == Check::State::kMissing &&
           (check.group == job || check.group == "convert");
  });
}

std::string Line(const Check& check) {
  const char* mark = check.state == Check::State::kFound     ? "  "
                     : check.state == Check::State::kMissing ? "! "
                                                             : "- ";
  std::string line =
      fmt::format("{}{:<18} {:<8} {}\n", mark, check.name, Word(check.state), check.value);
  if (!check.fix.empty()) line += fmt::format("  {:<18} {:<8} -> {}\n", "", "", check.fix);
  return line;
}

}  // namespace

std::string DoctorTable(const std::vector<Check>& checks, const std::string& version) {
  std::string table = fmt::format("edet {}\n", version);
  for (const Group& group : kGroups) {
    table += fmt::format("\n{}\n", group.title);
    for (const Check& check : checks) {
      if (check.group == group.name) table += Line(check);
    }
  }
  table += "\n";
  for (const Group& group : kGroups) {
    if (!group.is_job) continue;
    table +=
        fmt::format("edet {:<8} {}\n", group.name,
                    CanDo(checks, group.name) ? "ready" : "NOT ready: see the lines marked '!'");
  }
  return table;
}

std::string DoctorJson(const std::vector<Check>& checks, const std::string& version) {
  nlohmann::ordered_json report;
  report["edet"] = version;
  for (const Group& group : kGroups) {
    if (group.is_job) report["jobs"][group.name] = CanDo(checks, group.name);
  }
  report["checks"] = nlohmann::ordered_json::array();
  for (const Check& check : checks) {
    nlohmann::ordered_json entry = {{"group", check.group},
                                    {"name", check.name},
                                    {"state", Word(check.state)},
                                    {"value", check.value}};
    if (!check.fix.empty()) entry["fix"] = check.fix;
    report["checks"].push_back(entry);
  }
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

int DoctorExitCode(const std::vector<Check>& checks) {
  bool missing = std::any_of(checks.begin(), checks.end(), [](const Check& check) {
    return check.state == Check::State::kMissing;
  });
  return missing ? 4 : 0;
}

}  // namespace edet::cli
