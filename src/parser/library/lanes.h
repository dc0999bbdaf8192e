// C++14. Four floats side by side, in the compiler's own vector type: SSE on x86-64, NEON on
// aarch64, plain code elsewhere.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace edet {
namespace parser {

using Floats4 = float __attribute__((vector_size(16)));
using Mask4 = int32_t __attribute__((vector_size(16)));

inline Floats4 Load4(const float* from) {
  Floats4 lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

// Whether each lane is true (all bits set).
inline bool All(Mask4 mask) {
#if defined(__SSE2__)
  __m128 lanes;
  std::memcpy(&lanes, &mask, sizeof lanes);
  return _mm_movemask_ps(lanes) == 15;
#elif defined(__aarch64__)
  uint32x4_t lanes;
  std::memcpy(&lanes, &mask, sizeof lanes);
  return vminvq_u32(lanes) != 0;
#else
  return (mask[0] & mask[1] & mask[2] & mask[3]) != 0;
#endif
}

// y1, x1, y2, x2 -> x1, y1, x2, y2.
inline Floats4 SwapPairs(Floats4 v) {
#if defined(__SSE2__)
  return (Floats4)_mm_shuffle_ps((__m128)v, (__m128)v, 0xB1);
#elif defined(__aarch64__)
  return (Floats4)vrev64q_f32((float32x4_t)v);
#else
  return Floats4{v[1], v[0], v[3], v[2]};
#endif
}

// a[0], a[1], b[0], b[1]
inline Floats4 LowHalves(Floats4 a, Floats4 b) {
#if defined(__SSE2__)
  return (Floats4)_mm_movelh_ps((__m128)a, (__m128)b);
#else
  return Floats4{a[0], a[1], b[0], b[1]};
#endif
}

// v[2], v[3], v[2], v[3]
inline Floats4 HighHalf(Floats4 v) {
#if defined(__SSE2__)
  return (Floats4)_mm_movehl_ps((__m128)v, (__m128)v);
#else
  return Floats4{v[2], v[3], v[2], v[3]};
#endif
}

// Lane by lane; `b` where the two cannot be compared.
inline Floats4 Max4(Floats4 a, Floats4 b) {
#if defined(__SSE2__)
  return (Floats4)_mm_max_ps((__m128)a, (__m128)b);
#else
  return a > b ? a : b;
#endif
}
inline Floats4 Min4(Floats4 a, Floats4 b) {
#if defined(__SSE2__)
  return (Floats4)_mm_min_ps((__m128)a, (__m128)b);
#else
  return a < b ? a : b;
#endif
}

}  // namespace parser
}  // namespace edet
