#include "lint/report.h"

#include <algorithm>
#include <cstdlib>

namespace edet::lint {
namespace {

std::string OneLine(std::string text) {
  constexpr size_t kLongest = 500;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

}  // namespace

void Report::Add(const char* id, Place place, std::string message, std::string fix,
                 std::vector<TextEdit> edits) {
  const Rule* rule = LintRules().Find(id);
  if (rule == nullptr) std::abort();  // our bug: a test runs every rule
  if (target_) {
    const std::string& version = target_->deepstream;
    if (!rule->since.empty() && deepstream::CompareVersions(version, rule->since) < 0) return;
    if (!rule->until.empty() && deepstream::CompareVersions(version, rule->until) > 0) return;
  }
  const std::string what = place.group + "/" + place.key;
  if (!seen_.emplace(id, place.file.string(), place.line, what).second) return;
  all_.push_back({rule,
                  std::move(place),
                  OneLine(std::move(message)),
                  OneLine(std::move(fix)),
                  std::move(edits),
                  {}});
}

std::optional<bool> Report::IsJetson() const {
  if (!target_) return std::nullopt;
  return target_->arch == "aarch64";
}

bool Report::TargetBefore(const std::string& version) const {
  return target_ && deepstream::CompareVersions(target_->deepstream, version) < 0;
}

std::vector<Diagnostic> Report::TakeSorted() {
  std::stable_sort(all_.begin(), all_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.place.file, a.place.line) < std::tie(b.place.file, b.place.line);
  });
  return std::move(all_);
}

}  // namespace edet::lint
