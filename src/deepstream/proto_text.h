#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace edet::deepstream {

// A message in protobuf's text format with comments, which the library's own printer has not: the
// fields' names are the caller's to know. One thread.
class ProtoText {
 public:
  ProtoText& Comment(std::string_view text);
  ProtoText& Open(std::string_view name);  // a nested message
  ProtoText& Close();
  ProtoText& Text(std::string_view name, std::string_view value);  // quoted and escaped
  ProtoText& Word(std::string_view name, std::string_view value);  // a number, true, an enum's name
  ProtoText& Number(std::string_view name, int64_t value);
  ProtoText& Numbers(std::string_view name, const std::vector<int64_t>& values);
  // All messages that were opened are to be closed.
  std::string Take() { return std::move(text_); }

 private:
  ProtoText& Line(std::string_view line);

  std::string text_;
  size_t depth_ = 0;
};

}  // namespace edet::deepstream
