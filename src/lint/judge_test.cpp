// Whatever DeepStream's own parsers refuse, the linter must call an error; what they take it must
// not call refused. EDET_JUDGE_CASES and EDET_JUDGE_SEED ask for more configs.
#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "deepstream/app_config.h"
#include "deepstream/nvinfer_config.h"
#include "lint/lint.h"
#include "lint/print.h"
#include "testing/config_mutator.h"
#include "testing/stock_parsers.h"

namespace edet::lint {
namespace {

namespace fs = std::filesystem;
using testing::ConfigForm;

// Rules whose words are that the parser refuses the file.
const std::set<std::string> kRefusals = {
    "unreadable",   "not-a-key",   "key-outside-group", "semicolon-comment",
    "refused",      "refused-key", "wrong-type",        "comment-refused",
    "out-of-range", "list-length", "class-beyond"};

class LintJudge : public testing::JudgeTest {
 protected:
  // What is in them is not the parsers' business; that they are absent is no error.
  void SetUp() override {
    JudgeTest::SetUp();
    fs::remove(folder_ / "model.onnx");
    fs::remove(folder_ / "libnvdsinfer_efficientdet.so");
  }

  static LintResult LintOf(const fs::path& config) {
    Result<LintResult> result = Lint({config}, {});
    EXPECT_TRUE(result.ok()) << result.error().ToString();
    return result.ok() ? std::move(*result) : LintResult{};
  }

  // What the parser misses on this machine (labels, folders) is no fault of the file's.
  static bool IsTheMachines(ConfigForm form, const fs::path& config) {
    Findings ignored;
    if (testing::JudgeMode(form) == "app") {
      const auto app = deepstream::ReadAppConfig(config, ignored);
      return !app.ok() && app.error().code == ErrorCode::kNotFound;
    }
    const auto infer = deepstream::ReadNvinferConfig(config, ignored);
    return !infer.ok() && infer.error().code == ErrorCode::kNotFound;
  }

  // Empty where the linter and the parser agree.
  static std::string Disagreement(const testing::Verdict& verdict, const fs::path& config,
                                  const LintResult& result) {
    bool error = false;
    std::string refusal;
    for (const Diagnostic& found : result.diagnostics) {
      if (found.place.file.extension() != config.extension() &&
          found.place.file.extension() != ".csv")
        continue;
      if (found.rule->severity != Severity::kError) continue;
      error = true;
      // "unreadable" may be about the model.
      if (kRefusals.count(found.rule->id) != 0 && found.place.key != "onnx-file")
        refusal = found.rule->id;
    }
    if (!verdict.accepted && !error) return "missed";
    // Behind a key msg-conv-* the stock parser overlooks values that are not of their type.
    if (testing::Slurp(config).find("msg-conv-") != std::string::npos) return "";
    return verdict.accepted && !refusal.empty() ? "false alarm of " + refusal : "";
  }

  void Compare(ConfigForm form) {
    testing::ConfigMutator mutator(form, testing::JudgeSeed());
    const fs::path config = folder_ / testing::ConfigName(form);
    std::map<std::string, unsigned> counts;
    for (unsigned i = 0; i < testing::JudgeCases(); ++i) {
      testing::Spill(config, mutator.Next());
      const testing::Verdict verdict = Judge(testing::JudgeMode(form), config);
      if (verdict.crashed || IsTheMachines(form, config)) continue;
      const LintResult result = LintOf(config);
      const std::string disagreement = Disagreement(verdict, config, result);
      if (disagreement.empty() || ++counts[disagreement] > 3) continue;
      ADD_FAILURE() << disagreement << "\n"
                    << verdict.warnings.substr(0, 500) << "\n"
                    << ReportText(result) << testing::Slurp(config).substr(0, 3000);
    }
    for (const auto& [what, count] : counts) std::cout << what << ": " << count << "\n";
  }
};

TEST_F(LintJudge, AgreesOnNvinfersConfigs) { Compare(ConfigForm::kInfer); }

TEST_F(LintJudge, AgreesOnTheAppsConfigs) { Compare(ConfigForm::kApp); }

TEST_F(LintJudge, AgreesOnNvinfersConfigsInYaml) { Compare(ConfigForm::kInferYaml); }

TEST_F(LintJudge, AgreesOnTheAppsConfigsInYaml) {
  testing::Spill(folder_ / "sources.csv", testing::SourceTable());
  Compare(ConfigForm::kAppYaml);
}

}  // namespace
}  // namespace edet::lint
