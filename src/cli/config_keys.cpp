#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "cli/config.h"
#include "deepstream/key_table.h"
#include "deepstream/platforms.h"

namespace edet::cli {

using deepstream::GroupMatch;
using deepstream::GroupSpec;
using deepstream::KeySpec;
using deepstream::KeyTable;
using nlohmann::ordered_json;
namespace {

struct KeysOptions {
  std::string key, file, group, version, target;
  bool json = false;
};

struct File {
  const char* name;
  const KeyTable& table;
};

// A key in its place.
struct Entry {
  const File* file;
  const GroupSpec* group;
  const KeySpec* key;
};

const std::vector<File>& Files() {
  static const std::vector<File> files = {{"nvinfer", deepstream::NvinferKeys()},
                                          {"app", deepstream::DeepstreamAppKeys()}};
  return files;
}

Error Unknown(const std::string& what, const std::string& name, std::vector<std::string> known) {
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  std::vector<std::string> near = NearestNames(name, known, 3);
  return {ErrorCode::kInvalidArgument, fmt::format("no {} '{}'", what, name), "config keys",
          near.empty() ? "'edet config keys' lists all"
                       : fmt::format("did you mean {}?", fmt::join(near, " or "))};
}

// "class-attrs-<N>", as it stands in a file.
std::string ShownGroup(const GroupSpec& group) {
  if (group.match == GroupMatch::kExact) return group.name;
  return group.name + (group.name == "class-attrs-" ? "all|N" : "N");
}

std::string ShownKey(const KeySpec& key) { return key.key + (key.prefix ? "N" : ""); }

std::string Versions(const KeySpec& key) {
  return key.until.empty() ? key.since + " and newer" : key.since + " to " + key.until;
}

std::string Number(double value) { return fmt::format("{:g}", value); }

// What the newest parser refuses otherwise; empty: nothing.
std::string Range(const KeySpec& key) {
  std::string text;
  if (!key.choices.empty()) text = fmt::format("one of {}", fmt::join(key.choices, ", "));
  if (key.min && key.max) text = Number(*key.min) + " to " + Number(*key.max);
  if (key.min && !key.max) text = "at least " + Number(*key.min);
  if (key.item_min) text = "each at least " + Number(*key.item_min);
  if (key.min_count && key.max_count == key.min_count)
    text += fmt::format("{}{} values", text.empty() ? "" : ", ", *key.min_count);
  if (key.max_count && key.max_count != key.min_count)
    text += fmt::format("{}at most {} values", text.empty() ? "" : ", ", *key.max_count);
  return text;
}

// The newest of the table's versions that is not newer than `version`: the tables do not have every
// release, and keys are rarely taken away.
Result<std::string> VersionIn(const KeyTable& table, const std::string& version) {
  std::string found;
  for (const std::string& known : table.versions) {
    if (deepstream::CompareVersions(known, version) <= 0) found = known;
  }
  if (!found.empty()) return found;
  return Error{ErrorCode::kInvalidArgument, "no keys are known of DeepStream " + version,
               "config keys", "the oldest is " + table.versions.front()};
}

// The --version, or the one of --target; empty: any.
Result<std::string> WantedVersion(const KeysOptions& options) {
  if (options.target.empty()) return options.version;
  EDET_ASSIGN_OR_RETURN(deepstream::Platform platform, deepstream::FindPlatform(options.target));
  return platform.deepstream;
}

struct Found {
  std::vector<Entry> entries;
  std::vector<std::string> groups, keys;  // that there are, for hints
};

bool IsWanted(const GroupSpec& group, const std::string& name) {
  return name.empty() || group.name == name || group.Matches(name);
}

// `version`: one of the table's; empty: any.
void Collect(const File& file, const KeysOptions& options, const std::string& version,
             Found& found) {
  for (const GroupSpec& group : file.table.groups) {
    found.groups.push_back(group.name);
    if (!IsWanted(group, options.group)) continue;
    for (const KeySpec& key : group.keys) {
      found.keys.push_back(key.key);
      if (!version.empty() && !file.table.Has(key, version)) continue;
      if (options.key.empty() || group.Find(options.key) == &key)
        found.entries.push_back({&file, &group, &key});
    }
  }
}

Error NothingFound(const KeysOptions& options, const Found& found, const std::string& version) {
  if (found.keys.empty()) return Unknown("group", options.group, found.groups);
  if (std::find(found.keys.begin(), found.keys.end(), options.key) == found.keys.end())
    return Unknown("key", options.key, found.keys);
  return {ErrorCode::kInvalidArgument,
          fmt::format("DeepStream {} does not know '{}'", version, options.key), "config keys",
          "without --target and --version you see which do"};
}

Result<std::vector<Entry>> Choose(const KeysOptions& options) {
  EDET_ASSIGN_OR_RETURN(std::string version, WantedVersion(options));
  Found found;
  for (const File& file : Files()) {
    if (!options.file.empty() && options.file != file.name) continue;
    std::string known;
    if (!version.empty()) {
      EDET_ASSIGN_OR_RETURN(known, VersionIn(file.table, version));
    }
    Collect(file, options, known, found);
  }
  if (found.entries.empty()) return NothingFound(options, found, version);
  return found.entries;
}

ordered_json EntryJson(const Entry& entry) {
  const KeySpec& key = *entry.key;
  ordered_json json = {{"file", entry.file->name},
                       {"group", ShownGroup(*entry.group)},
                       {"key", ShownKey(key)},
                       {"type", deepstream::NameOf(key.type)},
                       {"since", key.since}};
  if (!key.until.empty()) json["until"] = key.until;
  if (!key.default_text.empty()) json["default"] = key.default_text;
  if (!key.choices.empty()) json["choices"] = key.choices;
  if (key.min) json["min"] = *key.min;
  if (key.max) json["max"] = *key.max;
  if (key.item_min) json["item_min"] = *key.item_min;
  if (key.min_count) json["min_count"] = *key.min_count;
  if (key.max_count) json["max_count"] = *key.max_count;
  if (!key.unless.empty()) json["ignored_beside"] = key.unless;
  if (!key.refused.empty()) json["refused"] = key.refused;
  json["meaning"] = key.meaning;
  return json;
}

void PrintField(const char* name, const std::string& text) {
  if (!text.empty()) fmt::print("  {:<9}{}\n", name, text);
}

// What is said of a key, wherever it stands.
std::string Said(const Entry& entry) {
  ordered_json json = EntryJson(entry);
  json.erase("group");
  return json.dump();
}

void PrintOne(const Entry& entry, const std::string& groups) {
  const KeySpec& key = *entry.key;
  fmt::print("{}\n", ShownKey(key));
  PrintField("where", std::string(entry.file->name) + " config," + groups);
  PrintField("type", deepstream::NameOf(key.type));
  PrintField("range", Range(key));
  PrintField("default", key.default_text);
  PrintField("versions", "DeepStream " + Versions(key));
  if (!key.unless.empty()) PrintField("ignored", "beside " + key.unless);
  PrintField("refused", key.refused);
  fmt::print("  {}\n", key.meaning);
}

// All about one key, once for all groups that say the same of it.
void PrintWhole(const std::vector<Entry>& entries) {
  std::vector<std::string> told;
  for (const Entry& entry : entries) {
    std::string said = Said(entry), groups;
    if (std::find(told.begin(), told.end(), said) != told.end()) continue;
    for (const Entry& other : entries) {
      if (Said(other) == said) groups += " [" + ShownGroup(*other.group) + "]";
    }
    if (!told.empty()) fmt::print("\n");
    PrintOne(entry, groups);
    told.push_back(std::move(said));
  }
}

std::string FirstSentence(const std::string& text) {
  size_t end = text.find(". ");
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

void PrintTable(const std::vector<Entry>& entries) {
  const GroupSpec* group = nullptr;
  for (const Entry& entry : entries) {
    if (entry.group != group) {
      fmt::print("{}[{}]  ({} config)\n", group == nullptr ? "" : "\n", ShownGroup(*entry.group),
                 entry.file->name);
      group = entry.group;
    }
    const KeySpec& key = *entry.key;
    std::string versions = key.until.empty() ? key.since + "+" : key.since + ".." + key.until;
    fmt::print("  {:<34}{:<17}{:<11}{}\n", ShownKey(key), deepstream::NameOf(key.type), versions,
               FirstSentence(key.meaning));
  }
}

Status ShowKeys(const KeysOptions& options) {
  EDET_ASSIGN_OR_RETURN(std::vector<Entry> entries, Choose(options));
  if (options.json) {
    ordered_json list = ordered_json::array();
    for (const Entry& entry : entries) list.push_back(EntryJson(entry));
    fmt::print("{}\n", list.dump(1));
  } else if (options.key.empty()) {
    PrintTable(entries);
  } else {
    PrintWhole(entries);
  }
  return {};
}

}  // namespace

void AddConfigKeys(CLI::App& config, Session& /*session*/) {
  CLI::App* command =
      config.add_subcommand("keys", "What DeepStream's keys mean, and which versions know them");
  auto options = std::make_shared<KeysOptions>();
  command->add_option("KEY", options->key, "All about this key; without it, a line for each");
  command->add_option("--file", options->file, "nvinfer or app: keys of one of the two files only")
      ->check(CLI::IsMember({"nvinfer", "app"}));
  command->add_option("--group", options->group,
                      "Keys of one group only: property, class-attrs-all, streammux, sink0, ...");
  auto* version = command->add_option("--version", options->version,
                                      "Keys that this DeepStream knows: 6.0, 7.1, ...");
  command
      ->add_option("--target", options->target,
                   "Keys that this platform's DeepStream knows (edet convert --target help)")
      ->excludes(version);
  command->add_flag("--json", options->json, "For programs");
  command->footer(
      "\nExamples:\n  edet config keys cluster-mode\n  edet config keys --group streammux --target "
      "xavier-jp5");
  command->callback([options] {
    Status status = ShowKeys(*options);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
