// Keeps the library loadable on runtimes older than the compiler that builds it (JetPack 4.4:
// glibc 2.27, libstdc++ of GCC 7).
#include "parser/library/old_runtime.h"

#include <new>

namespace std {

// Since GCC 11 std::vector calls this function of libstdc++, which older ones do not have. Ours is
// not visible outside.
[[noreturn]] void __throw_bad_array_new_length();  // NOLINT: libstdc++'s name
void __throw_bad_array_new_length() { throw std::bad_array_new_length(); }  // NOLINT

}  // namespace std
