#include "check/causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/printable.h"
#include "check/tables.h"
#include "deepstream/platforms.h"

namespace edet::check {
namespace {

constexpr size_t kNamedNodes = 3;
constexpr size_t kLongestName = 120;  // names come from a stranger's file

std::string NodesText(const std::vector<std::string>& nodes) {
  if (nodes.empty()) return "";
  const size_t named = std::min(nodes.size(), kNamedNodes);
  std::string text;
  for (size_t i = 0; i < named; ++i) text += (i == 0 ? "" : ", ") + nodes[i];
  if (nodes.size() == 1) return fmt::format(" (node {})", text);
  return fmt::format(" ({} nodes: {}{})", nodes.size(), text, named < nodes.size() ? ", ..." : "");
}

}  // namespace

std::string Family(const std::string& version) {
  const size_t dot = version.find('.');
  return dot == std::string::npos ? version : version.substr(0, version.find('.', dot + 1));
}

Causes::Causes(std::filesystem::path model, Target target)
    : model_(std::move(model)), target_(std::move(target)) {}

bool Causes::TensorRtBefore(const std::string& version) const {
  return deepstream::CompareVersions(target_.tensorrt, version) < 0;
}

bool Causes::DeepStreamBefore(const std::string& version) const {
  return !target_.deepstream.empty() &&
         deepstream::CompareVersions(target_.deepstream, version) < 0;
}

void Causes::Add(const char* id, const std::string& message, const ::onnx::NodeProto* node,
                 const std::string& fix) {
  const lint::Rule* rule = CheckRules().Find(id);
  if (rule == nullptr) std::abort();  // our bug: a test runs every rule
  const std::string family = Family(target_.tensorrt);
  if (!rule->since.empty() && deepstream::CompareVersions(family, rule->since) < 0) return;
  if (!rule->until.empty() && deepstream::CompareVersions(family, rule->until) > 0) return;
  if (rule->stage == "deepstream" && target_.deepstream.empty()) return;
  const auto [place, fresh] = places_.emplace(std::pair(id, message), all_.size());
  if (fresh) {
    lint::Diagnostic cause;
    cause.rule = rule;
    cause.place.file = model_;
    cause.message = Printable(message, kLongestName);
    cause.fix = fix;
    all_.push_back(std::move(cause));
  }
  if (node != nullptr) all_[place->second].nodes.push_back(Printable(NameOf(*node), kLongestName));
}

lint::LintResult Causes::Take() {
  for (lint::Diagnostic& cause : all_) cause.message += NodesText(cause.nodes);
  std::stable_sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) {
    return a.rule->severity > b.rule->severity;
  });
  return {std::move(all_), {model_}};
}

}  // namespace edet::check
