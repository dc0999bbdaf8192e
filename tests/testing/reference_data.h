#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace edet::testing {

// The folder with golden references and real videos (EDET_REFERENCE_DATA in the environment, or as
// configured).
std::filesystem::path ReferenceData();

// Leaves a test as skipped, with the reason, where a file of the reference data is absent.
#define EDET_SKIP_WITHOUT(relative_path)                                            \
  if (!std::filesystem::exists(::edet::testing::ReferenceData() / (relative_path))) \
  GTEST_SKIP() << "skipped: no reference data at "                                  \
               << (::edet::testing::ReferenceData() / (relative_path)).string()

// A NumPy array of little-endian numbers in C order, as floats or integers.
struct Array {
  std::vector<int64_t> shape;
  std::vector<float> floats;      // '<f4' and '<f8'
  std::vector<int64_t> integers;  // '<i4', '<i8', '|u1'
};

// Reads a .npy file; throws std::runtime_error where it is not one (tests only).
Array LoadNpy(const std::filesystem::path& path);

// One array of an .npz file whose members are stored without compression or deflated.
Array LoadNpz(const std::filesystem::path& path, const std::string& name);

}  // namespace edet::testing
