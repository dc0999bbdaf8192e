#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace edet {

// "Did you mean": names near to `name` by edit distance (at most a third of its length, case does
// not count), nearest first, at most `limit`.
std::vector<std::string> NearestNames(std::string_view name, const std::vector<std::string>& known,
                                      size_t limit = 3);

}  // namespace edet
