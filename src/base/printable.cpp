#include "base/printable.h"

#include <algorithm>
#include <cstdint>

namespace edet {
namespace {

// One character of UTF-8; `bytes` 1 and `code` 0 for what is none.
struct Character {
  uint32_t code = 0;
  size_t bytes = 1;
};

Character Decode(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<uint32_t>(text[i]) & 0xFF; };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return {};
  uint32_t code = first & (0xFFU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[bytes] || surrogate || code > 0x10FFFF) return {};
  return {code, bytes};
}

bool Harmless(uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool turns = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return !control && !turns && code != 0x2028 && code != 0x2029;
}

}  // namespace

std::string Printable(std::string_view text, size_t most_bytes) {
  std::string line;
  line.reserve(std::min(text.size(), most_bytes));
  while (!text.empty()) {
    const Character character = Decode(text);
    const std::string_view shown =
        Harmless(character.code) ? text.substr(0, character.bytes) : std::string_view("?");
    if (shown.size() > most_bytes - std::min(most_bytes, line.size())) return line + "...";
    line += shown;
    text.remove_prefix(character.bytes);
  }
  return line;
}

}  // namespace edet
