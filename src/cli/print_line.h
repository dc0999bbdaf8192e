#pragma once

#include <fmt/format.h>

#include <utility>

#include "base/printable.h"

namespace edet::cli {

// One line for people, whatever names a stranger's file brings into it.
template <typename... Arguments>
void PrintLine(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::print("{}\n", Printable(fmt::format(format, std::forward<Arguments>(arguments)...)));
}

}  // namespace edet::cli
