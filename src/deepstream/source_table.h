#pragma once

#include "deepstream/key_file.h"

namespace edet::deepstream {

// The sources of a deepstream-app config in YAML: one row each of the CSV file that it names, read
// as deepstream-app does: the first line that is neither blank nor a comment names the keys, every
// later line is a source. Cells are what stands between the commas, blanks and quotes included.
struct SourceTable {
  std::filesystem::path file;
  std::vector<std::vector<std::string>> rows;  // line `first_row_line` and on
  std::vector<std::string> keys;
  size_t first_row_line = 0;
};

// A file that cannot be read is a table without rows and a finding, as there. Error: LimitExceeded.
Result<SourceTable> ReadSourceTable(const std::filesystem::path& path, const std::string& where,
                                    Findings& findings);

// The values of row `index`, converted and checked. Errors: Corrupt. Unknown keys go to `findings`,
// once for the table.
Result<GroupValues> ReadSourceRow(const SourceTable& table, size_t index, const GroupSpec& spec,
                                  const PathResolver& resolve, Findings& findings);

}  // namespace edet::deepstream
