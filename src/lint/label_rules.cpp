#include "lint/label_rules.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "base/file.h"

namespace edet::lint {
namespace {

constexpr uint64_t kLabelsLimitBytes = uint64_t{16} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class LabelChecker {
 public:
  LabelChecker(const std::filesystem::path& path, const std::string& text, bool classifier,
               Report& report)
      : path_(path), text_(text), classifier_(classifier), report_(report) {}

  size_t Check() {
    size_t begin = 0, number = 0;
    if (text_.compare(0, kByteOrderMark.size(), kByteOrderMark) == 0) {
      report_.Add("label-byte-order-mark", At(1), "the first label begins with a byte order mark",
                  "", {{path_, 0, kByteOrderMark.size(), ""}});
      begin = kByteOrderMark.size();
    }
    while (begin < text_.size()) {
      const size_t end = std::min(text_.find('\n', begin), text_.size());
      CheckLine(begin, end, ++number);
      begin = std::min(end + 1, text_.size());
    }
    Conclude();
    return labels_;
  }

 private:
  Place At(size_t line) const { return {path_, line, 1, 0, "", ""}; }

  void CheckLine(size_t begin, size_t end, size_t number) {
    const std::string_view line = std::string_view(text_).substr(begin, end - begin);
    if (line.empty() || line == "\r") return NoteBlank(begin, end, number, line.empty());
    if (line.back() == '\r') NoteReturn(end, number);
    ++labels_;
    const std::string_view name = line.substr(0, line.find_last_not_of('\r') + 1);
    if (!classifier_ && name.find(';') != std::string_view::npos) {
      report_.Add("joined-labels", At(number),
                  fmt::format("only '{}' of this line is a label", name.substr(0, name.find(';'))));
    }
    if (name.front() == ' ' || name.front() == '\t' || name.back() == ' ' || name.back() == '\t')
      report_.Add("label-blanks", At(number), fmt::format("'{}' has blanks around it", name));
    NoteName(std::string(name), number);
  }

  // A line with a carriage return alone is a label to nvinfer, but nobody's wish.
  void NoteBlank(size_t begin, size_t end, size_t number, bool empty) {
    if (blank_edits_.empty()) first_blank_ = number;
    blank_edits_.push_back({path_, begin, std::min(end + 1, text_.size()), ""});
    if (!empty) ++labels_;
  }

  void NoteReturn(size_t end, size_t number) {
    if (return_edits_.empty()) first_return_ = number;
    return_edits_.push_back({path_, end - 1, end, ""});
  }

  void NoteName(const std::string& name, size_t number) {
    const auto [place, fresh] = names_.emplace(name, number);
    if (!fresh && !classifier_) {
      report_.Add("repeated-label", At(number),
                  fmt::format("'{}' is the name of line {} too", name, place->second));
    }
  }

  void Conclude() {
    if (!blank_edits_.empty()) {
      report_.Add(
          "blank-label", At(first_blank_),
          fmt::format("{} blank line(s): later classes move up by as many", blank_edits_.size()),
          "", blank_edits_);
    }
    if (!return_edits_.empty()) {
      report_.Add("label-carriage-return", At(first_return_),
                  fmt::format("{} label(s) end in a carriage return", return_edits_.size()), "",
                  return_edits_);
    }
    if (labels_ == 0) report_.Add("no-labels-inside", At(1), "the file holds no label");
  }

  const std::filesystem::path& path_;
  const std::string& text_;
  bool classifier_;
  Report& report_;
  size_t labels_ = 0, first_blank_ = 0, first_return_ = 0;
  std::vector<TextEdit> blank_edits_, return_edits_;
  std::map<std::string, size_t> names_;
};

}  // namespace

std::optional<size_t> CheckLabels(const std::filesystem::path& path, bool classifier,
                                  Report& report) {
  Result<std::string> text = ReadFile(path, kLabelsLimitBytes);
  if (!text.ok()) return std::nullopt;
  return LabelChecker(path, *text, classifier, report).Check();
}

}  // namespace edet::lint
