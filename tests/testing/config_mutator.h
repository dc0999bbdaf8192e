#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "deepstream/key_table.h"
#include "deepstream/write_configs.h"

namespace edet::testing {

// How many configs the judge is asked about, and from which seed: EDET_JUDGE_CASES and
// EDET_JUDGE_SEED in the environment, otherwise few.
unsigned JudgeCases();
unsigned JudgeSeed();

// A small model of three classes.
deepstream::ModelFacts JudgedModel(deepstream::Postprocessing postprocessing, bool nhwc);

enum class ConfigForm { kInfer, kApp, kInferYaml, kAppYaml };

// The file's name; its extension says how it is read.
std::string ConfigName(ConfigForm form);
// What the judge is asked to read it as.
std::string JudgeMode(ConfigForm form);
std::string BaseConfig(ConfigForm form);
// The table of sources that the app config in YAML names, as sources.csv.
std::string SourceTable();

// Changes a config at random: keys, values, groups, comments, encodings.
class ConfigMutator {
 public:
  ConfigMutator(ConfigForm form, unsigned seed);
  std::string Next();

 private:
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }
  size_t Line() { return Below(lines_.size()); }

  std::string Value();
  char Separator() const { return yaml_ ? ':' : '='; }
  std::string KeyLine(const std::string& key, const std::string& value) const;
  std::string TypedValue(const deepstream::KeySpec& spec);
  std::string Header(const std::string& name) const;
  std::string Group() { return Header(Pick(groups_)); }
  void AddKey();
  void Misspell(std::string& line);
  void Step();
  void DamageBytes(std::string& text);

  std::mt19937 random_;
  std::string base_;
  const deepstream::KeyTable& table_;
  std::vector<std::string> groups_;
  bool yaml_;
  std::vector<std::string> lines_;
};

}  // namespace edet::testing
