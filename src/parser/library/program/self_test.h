// C++14.
#pragma once

namespace edet {
namespace parser {

// Loads the parser library at `path` as DeepStream does and feeds every contract small tensors with
// known objects through its exported functions: once as a host of 24-byte objects (DeepStream 5.0
// to 8.0), once as one of 28 (9.0 and later), each in a process of its own. One line of standard
// output for each contract. The number of contracts that failed.
int SelfTest(const char* path);

}  // namespace parser
}  // namespace edet
