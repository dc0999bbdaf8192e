#include "deepstream/key_table.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/nearest.h"
#include "testing/reference_data.h"

namespace edet::deepstream {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

nlohmann::json LoadFacts(const std::string& name) {
  std::ifstream stream(edet::testing::ReferenceData() / "facts" / name);
  return nlohmann::json::parse(stream);
}

// The functions of the stock parsers and a group that each of them reads.
const std::map<std::string, std::string> kGroupOfFunction{
    {"gst_nvinfer_parse_props", "property"},
    {"gst_nvinfer_parse_other_attribute", "property"},
    {"gst_nvinfer_parse_class_attrs", "class-attrs-3"},
    {"parse_app", "application"},
    {"parse_source_list", "source-list"},
    {"parse_source", "source0"},
    {"parse_streammux", "streammux"},
    {"parse_osd", "osd"},
    {"parse_segvisual", "segvisual"},
    {"parse_preprocess", "pre-process"},
    {"parse_gie", "primary-gie"},
    {"parse_tracker", "tracker"},
    {"parse_visionencoder", "visionencoder"},
    {"parse_text_embedder", "text-embedder"},
    {"parse_replay", "replay"},
    {"parse_sink", "sink0"},
    {"parse_msgconsumer", "message-consumer0"},
    {"parse_tiled_display", "tiled-display"},
    {"parse_image_save", "img-save"},
    {"parse_dsanalytics", "nvds-analytics"},
    {"parse_dsexample", "ds-example"},
    {"parse_msgconv", "message-converter"},
    {"parse_tests", "tests"},
    {"parse_dewarper", "dewarper0"}};

void ExpectCovers(const KeyTable& table, const nlohmann::json& facts, size_t expected) {
  size_t covered = 0, all = 0;
  for (const auto& [version, functions] : facts.items()) {
    for (const auto& [function, keys] : functions.items()) {
      ASSERT_EQ(kGroupOfFunction.count(function), 1U) << function;
      const GroupSpec* group = table.Find(kGroupOfFunction.at(function));
      ASSERT_NE(group, nullptr) << function;
      for (const auto& [key, type] : keys.items()) {
        ++all;
        const KeySpec* spec = group->Find(key);
        const bool has = spec != nullptr && table.Has(*spec, version);
        EXPECT_TRUE(has) << version << " " << function << " " << key;
        covered += has ? 1 : 0;
      }
    }
  }
  EXPECT_EQ(covered, all);
  EXPECT_GE(all, expected);
}

TEST(KeyTable, NvinferKeysOfAllVersionsAreCovered) {
  EDET_SKIP_WITHOUT("facts/nvinfer_keys.json");
  ExpectCovers(NvinferKeys(), LoadFacts("nvinfer_keys.json"), 700);
}

TEST(KeyTable, DeepstreamAppKeysOfAllVersionsAreCovered) {
  EDET_SKIP_WITHOUT("facts/deepstream_app_keys.json");
  ExpectCovers(DeepstreamAppKeys(), LoadFacts("deepstream_app_keys.json"), 1500);
}

// The reverse: no key is claimed for a version whose parsers do not read it.
void ExpectClaimsNoMore(const KeyTable& table, const nlohmann::json& facts,
                        const std::set<std::string>& beyond) {
  for (const auto& [function, group] : kGroupOfFunction) {
    for (const std::string& version : table.versions) {
      const GroupSpec* spec = table.Find(group);
      if (spec == nullptr) continue;
      for (const KeySpec& key : spec->keys) {
        if (!table.Has(key, version) || beyond.count(key.key) != 0) continue;
        bool read = false;
        for (const auto& [other, its_group] : kGroupOfFunction)
          read |= its_group == group && facts.at(version).contains(other) &&
                  facts.at(version).at(other).contains(key.key);
        EXPECT_TRUE(read) << version << " [" << group << "] " << key.key;
      }
    }
  }
}

TEST(KeyTable, NoVersionHasMoreThanItsParsersRead) {
  EDET_SKIP_WITHOUT("facts/nvinfer_keys.json");
  // Read outside of the functions that the facts list.
  ExpectClaimsNoMore(NvinferKeys(), LoadFacts("nvinfer_keys.json"), {"is-classifier"});
  ExpectClaimsNoMore(DeepstreamAppKeys(), LoadFacts("deepstream_app_keys.json"),
                     {"bbox-border-color", "bbox-bg-color"});
}

TEST(KeyTable, EveryKeyIsExplained) {
  for (const KeyTable* table : {&NvinferKeys(), &DeepstreamAppKeys()}) {
    for (const GroupSpec& group : table->groups) {
      for (const KeySpec& key : group.keys) {
        EXPECT_GE(key.meaning.size(), 10U) << group.name << " " << key.key;
        EXPECT_EQ(key.meaning.find('\n'), std::string::npos) << key.key;
      }
    }
  }
}

TEST(KeyTable, GroupsAreFoundByNameAndNumber) {
  EXPECT_EQ(NvinferKeys().Find("class-attrs-17")->name, "class-attrs-");
  EXPECT_EQ(DeepstreamAppKeys().Find("source12")->name, "source");
  EXPECT_EQ(DeepstreamAppKeys().Find("source-attr-all")->name, "source-attr-all");
  EXPECT_EQ(DeepstreamAppKeys().Find("sourcex"), nullptr);
  EXPECT_NE(DeepstreamAppKeys().Find("primary-gie")->Find("bbox-border-color3"), nullptr);
}

TEST(KeyTable, TyposFindTheirKey) {
  const GroupSpec& property = *NvinferKeys().Find("property");
  EXPECT_EQ(NearestKeys("num-detected-clases", property).at(0), "num-detected-classes");
  EXPECT_EQ(NearestKeys("onnx_file", property).at(0), "onnx-file");
  EXPECT_THAT(NearestKeys("NETWORK-MODE", property), Contains("network-mode"));
  EXPECT_THAT(NearestKeys("completely-different-thing", property), IsEmpty());
  EXPECT_THAT(NearestKeys(std::string(1000000, 'x'), property), IsEmpty());
  EXPECT_THAT(NearestNames("abd", {"abc", "xyz"}), ElementsAre("abc"));
}

}  // namespace
}  // namespace edet::deepstream
