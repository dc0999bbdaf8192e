#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deepstream/key_table.h"

namespace edet::deepstream {

enum class ConfigFormat { kIni, kYaml };

// A configuration as groups of keys, each with the reasons for it, to be written as either of the
// two formats that DeepStream reads. A key that the version does not know (by the table) is left
// out, with its reasons; an empty version knows all. One thread.
class ConfigText {
 public:
  ConfigText(const KeyTable& keys, std::string version)
      : keys_(keys), version_(std::move(version)) {}

  // A line of its own before the next key or group; before the first group: at the top.
  ConfigText& Comment(std::string_view text);
  ConfigText& Group(std::string_view name);
  ConfigText& Set(std::string_view key, std::string_view value);
  ConfigText& Set(std::string_view key, const char* value) {
    return Set(key, std::string_view(value));
  }
  ConfigText& Set(std::string_view key, uint32_t value);
  // Items joined by ';', which both formats' readers split.
  ConfigText& SetList(std::string_view key, const std::vector<std::string>& items);

  std::string Text(ConfigFormat format) const;

 private:
  struct Entry {
    std::string key;
    std::vector<std::string> items;
    bool list = false;
    std::vector<std::string> comments;
  };
  struct GroupText {
    std::string name;
    std::vector<std::string> comments;
    std::vector<Entry> entries;
  };
  bool Knows(std::string_view key) const;
  ConfigText& Add(Entry entry);
  std::string Ini() const;
  std::string Yaml() const;

  const KeyTable& keys_;
  std::string version_;
  const GroupSpec* spec_ = nullptr;
  std::vector<std::string> comments_;  // for what comes next
  std::vector<std::string> head_;
  std::vector<GroupText> groups_;
};

// Text for a comment: one line whatever it holds.
std::string OneLine(std::string text);

}  // namespace edet::deepstream
