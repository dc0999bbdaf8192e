// C++14. What the library says about itself: read by `edet inspect` from the file, on any machine,
// and printed when the library is run as a program.
#pragma once

namespace edet {
namespace parser {

// Lines of "KEY VALUE", ended by a zero:
//   version 0.1.0
//   compiler GCC 12.2.0
//   standard 201402
//   objects 24 28               bytes of the object records that it can write
//   contract NAME FUNCTION TENSORS...   one line for each exported parse function
// It is the whole of the ELF section "edet_parser".
extern const char kDescription[];

}  // namespace parser
}  // namespace edet
