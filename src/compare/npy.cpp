#include "compare/npy.h"

#include <cstring>
#include <optional>
#include <regex>
#include <string>
#include <string_view>

#include "base/checked_math.h"
#include "base/file.h"
#include "parser/library/tensor.h"

namespace edet::compare {
namespace {

constexpr uint64_t kFileLimitBytes = uint64_t{1} << 30;
constexpr size_t kLongestHeader = 4096, kLongestRank = 8;

// What a header says: "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 512, 512, 3), }".
struct Header {
  std::string type;
  std::vector<int64_t> shape;
  size_t data = 0;  // offset of the values
};

uint32_t LittleEndian(std::string_view bytes, size_t at, size_t count) {
  uint32_t number = 0;
  for (size_t i = 0; i < count; ++i)
    number |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return number;
}

bool ParseShape(std::string text, std::vector<int64_t>& shape) {
  static const std::regex number("[0-9]+");
  for (std::sregex_iterator i(text.begin(), text.end(), number), end; i != end; ++i) {
    if (i->length() > 18 || shape.size() == kLongestRank) return false;
    shape.push_back(std::stoll(i->str()));
  }
  return true;
}

std::optional<Header> ParseHeader(const std::string& bytes) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  if (bytes.size() < 12 || bytes.compare(0, kMagic.size(), kMagic) != 0) return std::nullopt;
  size_t begin = bytes[6] == 1 ? 10 : 12;
  size_t length = LittleEndian(bytes, 8, begin - 8);
  if (length > kLongestHeader || begin + length > bytes.size()) return std::nullopt;
  std::string text = bytes.substr(begin, length);
  static const std::regex type("'descr': *'([^']*)'"), order("'fortran_order': *False"),
      shape("'shape': *\\(([0-9, L]*)\\)");
  std::smatch found_type, found_shape;
  Header header;
  header.data = begin + length;
  bool good = std::regex_search(text, found_type, type) && std::regex_search(text, order) &&
              std::regex_search(text, found_shape, shape) &&
              ParseShape(found_shape[1].str(), header.shape);
  if (!good) return std::nullopt;
  header.type = found_type[1].str();
  return header;
}

template <typename Stored>
float Number(const char* at) {
  Stored value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<float>(value);
}

float Half(const char* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return parser::HalfToFloat(bits);
}

struct NumberType {
  const char* name;
  size_t bytes;
  float (*read)(const char*);
};
constexpr NumberType kTypes[] = {
    {"<f4", 4, Number<float>},   {"<f8", 8, Number<double>},  {"<f2", 2, Half},
    {"|u1", 1, Number<uint8_t>}, {"|i1", 1, Number<int8_t>},  {"<u2", 2, Number<uint16_t>},
    {"<i2", 2, Number<int16_t>}, {"<i4", 4, Number<int32_t>}, {"<i8", 8, Number<int64_t>}};

const NumberType* FindType(const std::string& name) {
  for (const NumberType& type : kTypes)
    if (name == type.name) return &type;
  return nullptr;
}

}  // namespace

Result<TensorValues> ReadNpy(const std::filesystem::path& path) {
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, kFileLimitBytes));
  auto corrupt = [&](const char* what) {
    return Error{ErrorCode::kCorrupt, what, path.string(), "write it with numpy.save"};
  };
  std::optional<Header> header = ParseHeader(bytes);
  if (!header) return corrupt("is no NumPy file of numbers in C order");
  const NumberType* type = FindType(header->type);
  if (type == nullptr)
    return Error{ErrorCode::kUnsupported, "holds numbers of an unknown type", path.string(),
                 "save them as float32 or uint8"};
  std::optional<uint64_t> count = ElementCount(header->shape);
  std::optional<uint64_t> size = count ? CheckedMultiply(*count, type->bytes) : std::nullopt;
  if (!size || *size != bytes.size() - header->data)
    return corrupt("has more or fewer numbers than its shape says");
  TensorValues tensor{header->shape, {}};
  tensor.values.reserve(*count);
  for (uint64_t i = 0; i < *count; ++i)
    tensor.values.push_back(type->read(bytes.data() + header->data + i * type->bytes));
  return tensor;
}

}  // namespace edet::compare
