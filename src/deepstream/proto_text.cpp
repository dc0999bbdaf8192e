#include "deepstream/proto_text.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/strutil.h>

namespace edet::deepstream {

ProtoText& ProtoText::Line(std::string_view line) {
  text_.append(2 * depth_, ' ').append(line).append("\n");
  return *this;
}

ProtoText& ProtoText::Comment(std::string_view text) { return Line(fmt::format("# {}", text)); }

ProtoText& ProtoText::Open(std::string_view name) {
  Line(fmt::format("{} {{", name));
  ++depth_;
  return *this;
}

ProtoText& ProtoText::Close() {
  --depth_;
  return Line("}");
}

ProtoText& ProtoText::Text(std::string_view name, std::string_view value) {
  return Word(name, fmt::format("\"{}\"", google::protobuf::CEscape(std::string(value))));
}

ProtoText& ProtoText::Word(std::string_view name, std::string_view value) {
  return Line(fmt::format("{}: {}", name, value));
}

ProtoText& ProtoText::Number(std::string_view name, int64_t value) {
  return Word(name, fmt::format("{}", value));
}

ProtoText& ProtoText::Numbers(std::string_view name, const std::vector<int64_t>& values) {
  return Word(name, fmt::format("[{}]", fmt::join(values, ", ")));
}

}  // namespace edet::deepstream
