#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"

namespace edet::checkpoint {

// A key and its value, as stored.
struct IndexRecord {
  std::string key;
  std::string value;
};

// Reads all records of a `.index` file, which is a LevelDB table. `where` names the file in errors.
// LevelDB believes what a block says about its own size and its entries, even where the CRC was
// made to fit; so every block is looked through before LevelDB gets to see the file. Keys come out
// strictly ascending. Errors: Corrupt (with the byte offset), Unsupported (a compression that is
// unknown), LimitExceeded.
Result<std::vector<IndexRecord>> ReadIndexTable(const std::string& bytes, const std::string& where,
                                                const Limits& limits);

// True if `bytes` end as a LevelDB table does.
bool EndsLikeIndexTable(std::string_view bytes);

}  // namespace edet::checkpoint
