#include "deepstream/config_text.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <utility>

#include "deepstream/platforms.h"

namespace edet::deepstream {
namespace {

// A value as GLib's key file parser takes it back; `list`: one item of a ';' list.
std::string Escaped(std::string_view value, bool list) {
  std::string out;
  for (const char c : value) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case ' ':
        out += out.empty() ? "\\s" : " ";
        break;
      case ';':
        out += list ? "\\;" : ";";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string Joined(const std::vector<std::string>& items) {
  std::string joined;
  for (const std::string& item : items) joined += (joined.empty() ? "" : ";") + item;
  return joined;
}

std::string IniComments(const std::vector<std::string>& comments) {
  std::string text;
  for (const std::string& comment : comments) text += fmt::format("# {}\n", comment);
  return text;
}

void YamlComments(const std::vector<std::string>& comments, YAML::Emitter& out) {
  for (const std::string& comment : comments) out << YAML::Newline << YAML::Comment(comment);
}

}  // namespace

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

ConfigText& ConfigText::Comment(std::string_view text) {
  comments_.emplace_back(text);
  return *this;
}

ConfigText& ConfigText::Group(std::string_view name) {
  if (groups_.empty()) head_ = std::exchange(comments_, {});
  groups_.push_back({std::string(name), std::exchange(comments_, {}), {}});
  spec_ = keys_.Find(name);
  return *this;
}

ConfigText& ConfigText::Set(std::string_view key, std::string_view value) {
  return Add({std::string(key), {std::string(value)}, false, {}});
}

ConfigText& ConfigText::Set(std::string_view key, uint32_t value) {
  return Set(key, fmt::format("{}", value));
}

ConfigText& ConfigText::SetList(std::string_view key, const std::vector<std::string>& items) {
  return Add({std::string(key), items, true, {}});
}

bool ConfigText::Knows(std::string_view key) const {
  if (version_.empty() || spec_ == nullptr) return true;
  const KeySpec* spec = spec_->Find(key);
  if (spec == nullptr) return true;
  const bool gone = !spec->until.empty() && CompareVersions(spec->until, version_) < 0;
  return CompareVersions(spec->since, version_) <= 0 && !gone;
}

ConfigText& ConfigText::Add(Entry entry) {
  entry.comments = std::exchange(comments_, {});
  if (Knows(entry.key)) groups_.back().entries.push_back(std::move(entry));
  return *this;
}

std::string ConfigText::Text(ConfigFormat format) const {
  return format == ConfigFormat::kYaml ? Yaml() : Ini();
}

std::string ConfigText::Ini() const {
  std::string text = IniComments(head_);
  for (const GroupText& group : groups_) {
    text += "\n" + IniComments(group.comments) + fmt::format("[{}]\n", group.name);
    for (const Entry& entry : group.entries) {
      std::vector<std::string> items;
      for (const std::string& item : entry.items) items.push_back(Escaped(item, entry.list));
      text += IniComments(entry.comments) + fmt::format("{}={}\n", entry.key, Joined(items));
    }
  }
  return text;
}

std::string ConfigText::Yaml() const {
  YAML::Emitter out;
  for (const std::string& comment : head_) out << YAML::Comment(comment) << YAML::Newline;
  out << YAML::BeginMap;
  for (const GroupText& group : groups_) {
    if (&group != &groups_.front()) out << YAML::Newline << YAML::Newline;
    YamlComments(group.comments, out);
    out << YAML::Key << group.name << YAML::Value << YAML::BeginMap;
    for (const Entry& entry : group.entries) {
      YamlComments(entry.comments, out);
      out << YAML::Key << entry.key << YAML::Value << Joined(entry.items);
    }
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace edet::deepstream
