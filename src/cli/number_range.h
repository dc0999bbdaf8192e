#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

namespace edet::cli {

// A number from `low` to `high`; "nan", which CLI::Range lets through, is none.
inline CLI::Validator NumberRange(double low, double high) {
  const std::string range = fmt::format("{} to {}", low, high);
  return CLI::Validator(
      [low, high, range](const std::string& text) {
        double value = 0;
        const bool good = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
        return good ? std::string() : fmt::format("{} is not in {}", text, range);
      },
      fmt::format("FLOAT in [{}]", range));
}

}  // namespace edet::cli
