#include "efficientdet/label_map.h"

#include <gtest/gtest.h>

#include <fstream>

#include "testing/temporary_directory.h"

namespace edet::efficientdet {
namespace {
using Names = std::vector<std::string>;

class LabelMap : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
    return (folder_.path() / name).string();
  }
  // Its error's text where there is one; "none" for no label map.
  static Names Read(const std::string& hparams, int num_classes) {
    auto labels = LabelsOfHparams(hparams, num_classes);
    if (!labels.ok()) return {labels.error().ToString()};
    return *labels ? **labels : Names{"none"};
  }

  testing::TemporaryDirectory folder_;
};

TEST_F(LabelMap, NamesStandAtTheirIds) {
  EXPECT_EQ(Read(File("a.yaml", "num_classes: 3\nlabel_map: {1: person, 3: traffic light}\n"), 3),
            (Names{"person", "class_2", "traffic light"}));
  EXPECT_EQ(Read(File("a.yaml", "label_map: {0: background, 1: 'a;b', 2: ''}\n"), 2),
            (Names{"a b", "class_2"}));
}

TEST_F(LabelMap, AFileIsLookedForBesideTheHyperparameters) {
  File("names.yaml", "1: cat\n2: dog\n");
  EXPECT_EQ(Read(File("a.yaml", "label_map: names.yaml\n"), 2), (Names{"cat", "dog"}));
  EXPECT_EQ(Read("num_classes=2,label_map=" + (folder_.path() / "names.yaml").string(), 2),
            (Names{"cat", "dog"}));
  EXPECT_NE(Read(File("a.yaml", "label_map: absent.yaml\n"), 2)[0].find("absent.yaml"),
            std::string::npos);
}

TEST_F(LabelMap, AutoMlsOwnNamesAreLeftToTheDefaults) {
  for (const char* hparams : {"", "label_map=coco", "num_classes=3"})
    EXPECT_EQ(Read(hparams, 3), (Names{"none"})) << hparams;
  EXPECT_EQ(Read(File("a.yaml", "label_map: coco\n"), 3), (Names{"none"}));
  EXPECT_EQ(Read(File("a.yaml", "label_map:\n"), 3), (Names{"none"}));
}

TEST_F(LabelMap, WrongIdsAreRefused) {
  for (const char* mapping : {"{4: d}", "{-1: d}", "{x: d}", "{1: [d]}", "[a, b]"}) {
    Names read = Read(File("a.yaml", std::string("label_map: ") + mapping + "\n"), 3);
    EXPECT_EQ(read[0].find("label_map"), 0U) << mapping << ": " << read[0];
  }
}

}  // namespace
}  // namespace edet::efficientdet
