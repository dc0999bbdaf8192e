#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/result.h"

namespace edet::checkpoint {

inline constexpr std::string_view kObjectGraphKey = "_CHECKPOINTABLE_OBJECT_GRAPH";

// What the object graph of a Keras checkpoint says about the keys of its index.
struct ObjectGraph {
  std::unordered_map<std::string, std::string>
      full_names;                             // key -> the variable's own name, where it has one
  std::unordered_set<std::string> slot_keys;  // keys of optimizer slots
};

// `serialized`: the bytes of the string tensor under kObjectGraphKey. Errors: Corrupt.
Result<ObjectGraph> ParseObjectGraph(std::string_view serialized, const std::string& where);

// Takes the one string out of the stored form of a scalar DT_STRING tensor (length, checksum of the
// length, text) and compares it with the checksum of its entry. Errors: Corrupt.
Result<std::string> DecodeStringScalar(std::string_view stored, uint32_t masked_crc32c,
                                       const std::string& where);

}  // namespace edet::checkpoint
