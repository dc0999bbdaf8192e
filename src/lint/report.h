#pragma once

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "deepstream/platforms.h"
#include "lint/config_text.h"
#include "lint/rule_table.h"

namespace edet::lint {

// One fault that was found.
struct Diagnostic {
  const Rule* rule = nullptr;  // never null; constant data
  Place place;
  std::string message;                  // one line, about this file
  std::string fix;                      // what to do here; empty: the rule's own advice
  std::vector<TextEdit> edits;          // what --fix does; empty: nothing
  std::vector<std::string> nodes = {};  // of a network: those that it is about
};

// Collects what is found, in the order of finding; a rule speaks once for a place. One thread.
class Report {
 public:
  explicit Report(std::optional<deepstream::Platform> target) : target_(std::move(target)) {}

  // Where the rule is not about the target's DeepStream, nothing is added.
  void Add(const char* rule, Place place, std::string message, std::string fix = "",
           std::vector<TextEdit> edits = {});
  const std::vector<Diagnostic>& all() const { return all_; }
  const std::optional<deepstream::Platform>& target() const { return target_; }
  // True for a Jetson, false for a PC, nothing without a target.
  std::optional<bool> IsJetson() const;
  // Whether the target's DeepStream is known and older than `version`.
  bool TargetBefore(const std::string& version) const;
  // By file and line.
  std::vector<Diagnostic> TakeSorted();

 private:
  std::optional<deepstream::Platform> target_;
  std::vector<Diagnostic> all_;
  std::set<std::tuple<std::string, std::string, size_t, std::string>> seen_;
};

}  // namespace edet::lint
