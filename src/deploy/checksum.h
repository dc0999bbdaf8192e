#pragma once

#include <string>
#include <string_view>

namespace edet::deploy {

// SHA-256 in lower-case hexadecimal, 64 digits.
std::string Sha256(std::string_view bytes);

}  // namespace edet::deploy
