// C++14.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace edet {
namespace parser {

// The values of the options: the environment's, and else those of the file beside the library that
// is called like it with .conf in place of .so (libnvdsinfer_efficientdet.conf): lines KEY=VALUE,
// comments on lines of their own after '#'. So a model's folder, which holds its own copy of the
// library, carries what the tensors do not tell. A file that is not there is no error; a line that
// cannot be read is reported and left out. One thread.
class OptionValues {
 public:
  // Reads the file beside the object that this code lies in.
  OptionValues();
  // Reads this file; "" for none.
  explicit OptionValues(const std::string& path);

  // Null where neither has the key. Valid as long as this object and the environment are.
  const char* Find(const char* key) const;
  // Keys of the file for which `known` is false.
  std::vector<std::string> Unknown(bool (*known)(const std::string& key)) const;

 private:
  void ReadFile(const std::string& path);

  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace parser
}  // namespace edet
