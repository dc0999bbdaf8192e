#include "parser/library/anchor_spec.h"

#include <cmath>
#include <string>
#include <vector>

namespace edet {
namespace parser {
namespace {

// More would be no model of this family.
constexpr int kMaxScales = 16;
constexpr size_t kMaxNumbers = 16;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool SetInRange(double value, float* number) {
  *number = static_cast<float>(value);
  return *number >= 1e-3F && *number <= 1e4F;
}

// A plain positive number at `*at`, which moves behind it; false otherwise. No sign, no exponent,
// and always a point: strtof() would go by the host's locale.
bool ReadNumber(const char** at, float* number) {
  const char* digits = *at;
  double value = 0., unit = 1.;
  for (; IsDigit(**at); ++*at) value = value * 10. + (**at - '0');
  if (*at == digits) return false;
  if (**at != '.') return SetInRange(value, number);
  for (++*at; IsDigit(**at); ++*at) {
    if (*at - digits > 18) continue;  // beyond what a float holds
    value = value * 10. + (**at - '0');
    unit *= 10.;
  }
  return SetInRange(value / unit, number);
}

bool ReadScales(const char* at, detect::AnchorConfig* config) {
  config->anchor_scales.clear();
  float number = 0.F;
  while (ReadNumber(&at, &number) && config->anchor_scales.size() < kMaxNumbers) {
    config->anchor_scales.push_back(number);
    if (*at == '\0') return true;
    if (*at++ != '-') return false;
  }
  return false;
}

bool ReadRatios(const char* at, detect::AnchorConfig* config) {
  config->aspect_ratios.clear();
  float number = 0.F;
  while (ReadNumber(&at, &number) && config->aspect_ratios.size() < kMaxNumbers) {
    float height = 0.F;
    if (*at == 'x') {
      if (!ReadNumber(&++at, &height)) return false;
      config->aspect_ratios.emplace_back(number, height);
    } else {
      config->aspect_ratios.emplace_back(number);
    }
    if (*at == '\0') return true;
    if (*at++ != '-') return false;
  }
  return false;
}

bool ReadWhole(const char* at, int max, int* number) {
  float read = 0.F;
  if (!ReadNumber(&at, &read) || *at != '\0' || read != std::floor(read)) return false;
  if (read > static_cast<float>(max)) return false;
  *number = static_cast<int>(read);
  return true;
}

bool ReadField(const std::string& field, detect::AnchorConfig* config) {
  if (field.empty()) return false;
  const char* value = field.c_str() + 1;
  switch (field[0]) {
    case 'a':
      return ReadScales(value, config);
    case 's':
      return ReadWhole(value, kMaxScales, &config->num_scales);
    case 'r':
      return ReadRatios(value, config);
    case 'l':
      return ReadWhole(value, 9, &config->min_level);
    default:
      return false;
  }
}

}  // namespace

bool ReadAnchorSpec(const char* text, size_t length, detect::AnchorConfig* config) {
  detect::AnchorConfig read = *config;
  const std::string spec(text, length);
  for (size_t begin = 0; begin <= spec.size();) {
    size_t end = spec.find('_', begin);
    if (end == std::string::npos) end = spec.size();
    if (!ReadField(spec.substr(begin, end - begin), &read)) return false;
    begin = end + 1;
  }
  *config = read;
  return true;
}

}  // namespace parser
}  // namespace edet
