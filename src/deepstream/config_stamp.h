#pragma once

#include <string>
#include <string_view>

namespace edet::deepstream {

// `text` with a last line, a comment that holds its checksum: what a user changed can be told from
// what this program wrote.
std::string Stamped(std::string text);

// Whether `text` has that line and the checksum is that of the text before it.
bool IsAsWritten(std::string_view text);

}  // namespace edet::deepstream
