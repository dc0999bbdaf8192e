#pragma once

#include <filesystem>

#include "base/result.h"
#include "compare/values.h"

namespace edet::compare {

// Reads a NumPy file (.npy): little-endian numbers in C order, of 1 to 8 bytes. Errors: NotFound,
// Io, Corrupt (no such file, header and size do not agree), Unsupported (text, complex numbers,
// Fortran's order), LimitExceeded (over 1 GiB).
Result<TensorValues> ReadNpy(const std::filesystem::path& path);

}  // namespace edet::compare
