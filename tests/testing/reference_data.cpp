#include "testing/reference_data.h"

#include <archive.h>
#include <archive_entry.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace edet::testing {
namespace {

template <typename Stored, typename Kept>
std::vector<Kept> Values(const std::string& bytes, size_t begin, size_t count) {
  if (bytes.size() < begin + count * sizeof(Stored)) throw std::runtime_error("npy: too short");
  std::vector<Kept> values(count);
  for (size_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + begin + i * sizeof(Stored), sizeof value);
    values[i] = static_cast<Kept>(value);
  }
  return values;
}

// The text between `begin` and the next `end` in a .npy header.
std::string Between(const std::string& header, const std::string& begin, const std::string& end) {
  size_t from = header.find(begin);
  if (from == std::string::npos) throw std::runtime_error("npy: no " + begin);
  from += begin.size();
  return header.substr(from, header.find(end, from) - from);
}

Array ParseNpy(const std::string& bytes) {
  if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0)
    throw std::runtime_error("npy: wrong magic");
  size_t header_bytes = static_cast<unsigned char>(bytes[8]) | static_cast<unsigned char>(bytes[9])
                                                                   << 8;
  std::string header = bytes.substr(10, header_bytes);
  size_t begin = 10 + header_bytes;
  if (header.find("'fortran_order': False") == std::string::npos)
    throw std::runtime_error("npy: Fortran order");
  Array array;
  size_t count = 1;
  std::istringstream dims(Between(header, "'shape': (", ")"));
  for (std::string dim; std::getline(dims, dim, ',');) {
    if (dim.find_first_of("0123456789") == std::string::npos) continue;
    array.shape.push_back(std::stoll(dim));
    count *= static_cast<size_t>(array.shape.back());
  }
  std::string type = Between(header, "'descr': '", "'");
  if (type == "<f4") {
    array.floats = Values<float, float>(bytes, begin, count);
  } else if (type == "<f8") {
    array.floats = Values<double, float>(bytes, begin, count);
  } else if (type == "<i4") {
    array.integers = Values<int32_t, int64_t>(bytes, begin, count);
  } else if (type == "<i8") {
    array.integers = Values<int64_t, int64_t>(bytes, begin, count);
  } else if (type == "|u1") {
    array.integers = Values<uint8_t, int64_t>(bytes, begin, count);
  } else {
    throw std::runtime_error("npy: type " + type);
  }
  return array;
}

}  // namespace

std::filesystem::path ReferenceData() {
  const char* given = std::getenv("EDET_REFERENCE_DATA");
  return given != nullptr ? given : EDET_REFERENCE_DATA_DEFAULT;
}

Array LoadNpy(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path.string());
  return ParseNpy(std::string(std::istreambuf_iterator<char>(in), {}));
}

Array LoadNpz(const std::filesystem::path& path, const std::string& name) {
  archive* zip = archive_read_new();
  archive_read_support_format_zip(zip);
  std::string bytes;
  if (archive_read_open_filename(zip, path.c_str(), 1 << 16) == ARCHIVE_OK) {
    archive_entry* entry = nullptr;
    while (archive_read_next_header(zip, &entry) == ARCHIVE_OK) {
      if (archive_entry_pathname(entry) != name + ".npy") continue;
      char buffer[1 << 14];
      for (la_ssize_t got; (got = archive_read_data(zip, buffer, sizeof buffer)) > 0;)
        bytes.append(buffer, static_cast<size_t>(got));
      break;
    }
  }
  archive_read_free(zip);
  if (bytes.empty()) throw std::runtime_error("no " + name + " in " + path.string());
  return ParseNpy(bytes);
}

}  // namespace edet::testing
