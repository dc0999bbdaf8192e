#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace edet {

// Text of a stranger's file on one line of a terminal: control characters, those that turn the
// direction of writing or end a line, and what is no UTF-8 become '?'. Beyond `most_bytes` it is
// cut between two characters, and ends in "...".
std::string Printable(std::string_view text, size_t most_bytes = std::string_view::npos);

}  // namespace edet
