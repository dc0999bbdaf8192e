#include "efficientdet/anchor_spec.h"

#include <fmt/format.h>

#include "detect/anchors.h"

namespace edet::efficientdet {
namespace {

// "1-2-0.5"
template <typename Values, typename Print>
std::string JoinWithDashes(const Values& values, const Print& print) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : "-") + print(value);
  return text;
}

std::string Number(float value) { return fmt::format("{:.9g}", value); }

// A ratio of width to height where it is one, "1.4x0.7" otherwise.
std::string Print(const detect::AspectRatio& aspect) {
  const auto ratio = static_cast<float>(aspect.x / aspect.y);
  if (detect::AspectRatio(ratio) == aspect) return Number(ratio);
  return Number(static_cast<float>(aspect.x)) + "x" + Number(static_cast<float>(aspect.y));
}

}  // namespace

std::string AnchorSpec(const Hparams& hparams) {
  const detect::AnchorConfig anchors = AnchorConfigOf(hparams);
  return fmt::format("a{}_s{}_r{}_l{}", JoinWithDashes(anchors.anchor_scales, Number),
                     anchors.num_scales, JoinWithDashes(anchors.aspect_ratios, Print),
                     anchors.min_level);
}

}  // namespace edet::efficientdet
