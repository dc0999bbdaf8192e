#pragma once

#include <string>
#include <utility>
#include <vector>

namespace edet {

enum class Severity { kNote, kWarning, kError };

// One thing that a check noticed. `rule` is a stable id ("unknown-key"); `where` is file:line or a
// name.
struct Finding {
  Severity severity = Severity::kWarning;
  std::string rule;
  std::string what;
  std::string where;
  std::string hint;
};

// Collects everything that a check notices, so that a user sees all of it at once. Not thread-safe.
class Findings {
 public:
  void Add(Finding finding) { findings_.push_back(std::move(finding)); }
  void Note(std::string rule, std::string what, std::string where = "", std::string hint = "") {
    Add({Severity::kNote, std::move(rule), std::move(what), std::move(where), std::move(hint)});
  }
  void Warn(std::string rule, std::string what, std::string where = "", std::string hint = "") {
    Add({Severity::kWarning, std::move(rule), std::move(what), std::move(where), std::move(hint)});
  }
  const std::vector<Finding>& all() const { return findings_; }
  bool empty() const { return findings_.empty(); }

 private:
  std::vector<Finding> findings_;
};

}  // namespace edet
