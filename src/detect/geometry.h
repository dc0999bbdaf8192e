// C++14, no dependencies beyond libstdc++: shared by the DeepStream parser library, the runner and
// the evaluator.
#pragma once

namespace edet {
namespace detect {

// Boxes of the three coordinate spaces are three types; nothing converts silently.

// Corners in pixels of the network input, as the graph sees it (0..width, 0..height), before any
// clipping.
struct BoxNet {
  float left = 0.F, top = 0.F, right = 0.F, bottom = 0.F;
};

// Corners in pixels of the source frame.
struct BoxFrame {
  float left = 0.F, top = 0.F, right = 0.F, bottom = 0.F;
};

// Corners as fractions of the network input (0..1).
struct BoxNorm {
  float left = 0.F, top = 0.F, right = 0.F, bottom = 0.F;
};

}  // namespace detect
}  // namespace edet
