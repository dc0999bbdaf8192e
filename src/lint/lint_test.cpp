// Every rule has a project that it must report and one, as near as possible, that it must not:
// testdata/rule_cases.json.
#include "lint/lint.h"

#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "deepstream/write_configs.h"
#include "lint/fix.h"
#include "lint/print.h"
#include "testing/temporary_directory.h"

namespace edet::lint {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// A config as lines, to which single keys are set.
class Draft {
 public:
  explicit Draft(const std::string& text) : lines_(LinesOf(text)) {}

  void Set(const std::string& group, const std::string& key, const Json& value) {
    size_t at = Begin(group);
    if (at == lines_.size()) {
      lines_.push_back("[" + group + "]");
      ++at;
    }
    size_t end = at;
    for (; end < lines_.size() && lines_[end].rfind('[', 0) != 0; ++end) {
      if (lines_[end].rfind(key + "=", 0) != 0) continue;
      if (value.is_null()) {
        lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(end));
      } else {
        lines_[end] = key + "=" + value.get<std::string>();
      }
      return;
    }
    if (!value.is_null())
      lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(end),
                    key + "=" + value.get<std::string>());
  }

  void RemoveGroup(const std::string& group) {
    const size_t begin = Begin(group);
    size_t end = begin;
    while (end < lines_.size() && lines_[end].rfind('[', 0) != 0) ++end;
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(begin) - 1,
                 lines_.begin() + static_cast<std::ptrdiff_t>(end));
  }

  std::string Text() const {
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  // The line behind the group's header.
  size_t Begin(const std::string& group) const {
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i] == "[" + group + "]") return i + 1;
    }
    return lines_.size();
  }
  std::vector<std::string> lines_;
};

std::string Changed(const std::string& text, const Json& changes) {
  Draft draft(text);
  for (const auto& [place, value] : changes.items()) {
    const size_t slash = place.find('/');
    draft.Set(place.substr(0, slash), place.substr(slash + 1), value);
  }
  return draft.Text();
}

void AddTensor(::onnx::ValueInfoProto& value, const std::string& name, const std::string& type,
               const Json& shape) {
  value.set_name(name);
  auto* tensor = value.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type == "uint8" ? ::onnx::TensorProto_DataType_UINT8
                                        : ::onnx::TensorProto_DataType_FLOAT);
  for (const Json& dim : shape) {
    auto* d = tensor->mutable_shape()->add_dim();
    if (dim.is_string()) {
      d->set_dim_param(dim.get<std::string>());
    } else {
      d->set_dim_value(dim.get<int64_t>());
    }
  }
}

const Json kOutputs = {{"num_detections", {1, 1}},
                       {"detection_boxes", {1, 100, 4}},
                       {"detection_scores", {1, 100}},
                       {"detection_classes", {1, 100}}};

std::string OnnxBytes(const Json& spec) {
  ::onnx::ModelProto model;
  model.set_ir_version(7);
  model.set_producer_name(spec.value("producer", "edet"));
  auto* graph = model.mutable_graph();
  graph->set_name("g");
  AddTensor(*graph->add_input(), "input", spec.value("type", "float32"),
            spec.value("shape", Json::array({1, 512, 512, 3})));
  std::string tensor = "input";
  std::vector<std::string> ops = spec.value("before", std::vector<std::string>{"Sub"});
  ops.push_back("Conv");
  for (const std::string& op : ops) {
    auto* node = graph->add_node();
    node->set_op_type(op);
    node->add_input(tensor);
    tensor += "_" + op;
    node->add_output(tensor);
  }
  const Json outputs = spec.value("outputs", kOutputs);
  for (const auto& [name, shape] : outputs.items())
    AddTensor(*graph->add_output(), name, "float32", shape);
  std::string bytes = model.SerializeAsString();
  if (spec.value("cut", false)) bytes.resize(bytes.size() / 2);
  return bytes;
}

// A project as edet convert writes it, and changes of it.
class Project {
 public:
  explicit Project(const Json& spec) : spec_(spec) {
    if (spec.contains("target"))
      options_.target = *deepstream::FindPlatform(spec.at("target").get<std::string>());
    WriteModel();
    WriteConfigs();
    Write("video.mp4", "");
    if (spec.contains("server")) Write("server.txt", spec.at("server").get<std::string>());
    const Json files = spec.value("files", Json::object());
    for (const auto& [name, text] : files.items()) Write(name, text.get<std::string>());
  }

  fs::path Main() const {
    const std::string lint = spec_.value("lint", spec_.contains("server") ? "server" : "app");
    if (lint == "app") return folder_ / "deepstream_app.txt";
    if (lint == "infer") return folder_ / "config_infer_primary.txt";
    if (lint == "labels") return folder_ / "labels.txt";
    if (lint == "server") return folder_ / "server.txt";
    return folder_ / lint;
  }
  LintResult Run() const {
    Result<LintResult> result = Lint({Main()}, options_);
    EXPECT_TRUE(result.ok()) << result.error().ToString();
    return result.ok() ? std::move(*result) : LintResult{};
  }
  const LintOptions& options() const { return options_; }
  fs::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  void WriteModel() {
    Write("model.onnx", OnnxBytes(spec_.value("onnx", Json::object())));
    std::string labels;
    for (int i = 0; i < 90; ++i) labels += "name" + std::to_string(i) + "\n";
    if (spec_.contains("labels_bytes")) labels.assign(spec_.at("labels_bytes").get<size_t>(), 'x');
    Write("labels.txt", spec_.value("labels", labels));
    Write("libnvdsinfer_efficientdet.so", LibraryBytes(spec_.value("library", "")));
  }

  // Our library with other words in its description or its tables, of the same length.
  static std::string LibraryBytes(const std::string& kind) {
    std::string bytes = ReadText(EDET_PARSER_LIBRARY);
    const auto put = [&bytes](const std::string& from, const std::string& to) {
      const size_t at = bytes.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      ASSERT_EQ(from.size(), to.size());
      for (size_t i = at; i != std::string::npos; i = bytes.find(from, i + 1))
        bytes.replace(i, from.size(), to);
    };
    if (kind == "foreign" || kind == "takes-over") put("edet_parser", "else_parser");
    if (kind == "old-objects") put("objects 24 28", "objects 24   ");
    if (kind == "takes-over")
      put("NvDsInferParseEfficientDetTensorFlow",
          std::string("NvDsInferCreateModelParser\0ensorFlow", 36));
    if (kind == "glibc") {
      // Every version that it asks for; which they are is the compiler's choice.
      const std::string version = "GLIBC_2.";
      size_t asked = 0;
      for (size_t i = bytes.find(version); i != std::string::npos; i = bytes.find(version, i)) {
        for (i += version.size(); i < bytes.size() && bytes[i] != '\0'; ++i) bytes[i] = '9';
        ++asked;
      }
      EXPECT_GT(asked, 0U);
    }
    return bytes;
  }

  void WriteConfigs() {
    deepstream::ModelFacts model;
    model.input_width = model.input_height = 512;
    model.num_classes = 90;
    for (const auto& [name, shape] : kOutputs.items()) model.output_names.push_back(name);
    if (options_.target) model.deepstream_version = options_.target->deepstream;
    deepstream::AppFacts app;
    std::string infer =
        Changed(deepstream::NvinferConfigText(model), spec_.value("infer", Json::object()));
    if (spec_.contains("infer_latin1")) {
      infer = Changed(infer, {{"property/labelfile-path", "EACUTE.txt"}});
      infer.replace(infer.find("EACUTE"), 6, "\xE9");
    }
    Write("config_infer_primary.txt",
          spec_.value("infer_first", "") + infer + spec_.value("infer_more", ""));
    std::string text =
        Changed(deepstream::AppConfigText(model, app), {{"source0/uri", "file://video.mp4"}});
    if (spec_.contains("app_without")) {
      Draft draft(text);
      draft.RemoveGroup(spec_.at("app_without").get<std::string>());
      text = draft.Text();
    }
    text = Changed(text, spec_.value("app", Json::object()));
    Write("deepstream_app.txt", text + spec_.value("app_more", ""));
  }

  Json spec_;
  LintOptions options_;
  testing::TemporaryDirectory folder_;
};

Json Cases() {
  return Json::parse(ReadText(fs::path(EDET_LINT_CASES) / "rule_cases.json")).at("cases");
}

std::vector<Diagnostic> Of(const std::string& rule, const LintResult& result) {
  std::vector<Diagnostic> found;
  for (const Diagnostic& diagnostic : result.diagnostics) {
    if (diagnostic.rule->id == rule) found.push_back(diagnostic);
  }
  return found;
}

std::string LineOf(const Place& place) {
  const std::vector<std::string> lines = LinesOf(ReadText(place.file));
  return place.line >= 1 && place.line <= lines.size() ? lines[place.line - 1] : "";
}

TEST(LintRules, EachIsReportedWhereItMustAndNotWhereItMustNot) {
  for (const Json& item : Cases()) {
    const std::string rule = item.at("rule");
    const Json& hit = item.at("hit");
    const Project project(hit);
    const LintResult result = project.Run();
    const std::vector<Diagnostic> found = Of(rule, result);
    EXPECT_FALSE(found.empty()) << rule << " is not reported in\n" << ReportText(result);
    if (!found.empty() && hit.contains("line")) {
      EXPECT_THAT(LineOf(found.front().place), HasSubstr(hit.at("line").get<std::string>()))
          << rule;
    }
    const Project other(item.at("miss"));
    const LintResult quiet = other.Run();
    EXPECT_TRUE(Of(rule, quiet).empty()) << rule << " is reported in\n" << ReportText(quiet);
  }
}

TEST(LintRules, EachHasACase) {
  std::set<std::string> cases, rules;
  for (const Json& item : Cases()) cases.insert(item.at("rule").get<std::string>());
  for (const Rule& rule : LintRules().rules()) rules.insert(rule.id);
  EXPECT_EQ(cases, rules);
}

TEST(LintRules, FixableOnesAreMendedByFixAndStayMended) {
  for (const Json& item : Cases()) {
    const Rule& rule = *LintRules().Find(item.at("rule").get<std::string>());
    const Project project(item.at("hit"));
    const std::vector<Diagnostic> found = Of(rule.id, project.Run());
    bool has_edits = false;
    for (const Diagnostic& diagnostic : found) has_edits |= !diagnostic.edits.empty();
    if (!rule.fixable) continue;
    EXPECT_TRUE(has_edits) << rule.id;
    Result<FixResult> fixed = Fix({project.Main()}, project.options());
    ASSERT_TRUE(fixed.ok()) << fixed.error().ToString();
    EXPECT_FALSE(fixed->changes.empty()) << rule.id;
    EXPECT_TRUE(Of(rule.id, fixed->left).empty()) << rule.id << "\n" << ReportText(fixed->left);
  }
}

TEST(LintRules, WhatConvertWritesIsClean) {
  for (const char* target :
       {"", "xavier-jp4.6", "xavier-jp5", "orin-jp6", "dgpu-7.1", "dgpu-9.1"}) {
    Json spec = Json::object();
    if (*target != '\0') spec["target"] = target;
    for (const Diagnostic& diagnostic : Project(spec).Run().diagnostics)
      EXPECT_EQ(diagnostic.rule->severity, Severity::kNote)
          << target << " " << diagnostic.rule->id << " " << diagnostic.message;
  }
}

TEST(LintRules, TextsOfTheTableAreSentences) {
  for (const Rule& rule : LintRules().rules()) {
    EXPECT_EQ(rule.meaning.back(), '.') << rule.id;
    EXPECT_EQ(rule.consequence.back(), '.') << rule.id;
    EXPECT_THAT(*LintRules().Explain(rule.id), HasSubstr(rule.title));
  }
  EXPECT_EQ(LintRules().Find("no-such-rule"), nullptr);
}

TEST(LintRules, TheDocumentIsTheTable) {
  EXPECT_NE(ReadText(EDET_LINT_DOC).find(LintRules().Markdown()), std::string::npos)
      << "put the output of `edet config lint --list-rules` into docs/lint.md";
}

TEST(LintFix, KeepsCommentsAndOrderAndShowsTheLines) {
  const Project project(Json::parse(R"({"infer": {"property/maintain-aspect-ratio": "TRUE",
      "property/labelfile-path": "labels.txt # names"}})"));
  const fs::path infer = project / "config_infer_primary.txt";
  const std::string before = ReadText(infer);
  Result<FixResult> fixed = Fix({project.Main()}, {});
  ASSERT_TRUE(fixed.ok());
  const std::string after = ReadText(infer);
  std::string wanted = before;
  wanted.replace(wanted.find("=TRUE"), 5, "=1");
  wanted.replace(wanted.find("labelfile-path=labels.txt # names"), 33,
                 "# names\nlabelfile-path=labels.txt");
  EXPECT_EQ(after, wanted);
  EXPECT_THAT(ChangesText(fixed->changes), HasSubstr("- maintain-aspect-ratio=TRUE"));
  EXPECT_THAT(ChangesText(fixed->changes), HasSubstr("+ maintain-aspect-ratio=1"));
  EXPECT_TRUE(Fix({project.Main()}, {})->changes.empty());
}

TEST(LintFix, LeavesAFileThatIsCleanAlone) {
  const Project project(Json::object());
  const auto time = fs::last_write_time(project / "config_infer_primary.txt");
  Result<FixResult> fixed = Fix({project.Main()}, {});
  ASSERT_TRUE(fixed.ok());
  EXPECT_TRUE(fixed->changes.empty());
  EXPECT_EQ(fs::last_write_time(project / "config_infer_primary.txt"), time);
}

TEST(LintFix, OverlappingEditsAreMadeOnce) {
  size_t done = 0;
  EXPECT_EQ(ApplyEdits("abcdef", {{"f", 1, 3, "X"}, {"f", 2, 4, "Y"}, {"f", 5, 5, "Z"}}, done),
            "aXdeZf");
  EXPECT_EQ(done, 2U);
  EXPECT_EQ(ApplyEdits("ab", {{"f", 1, 9, "X"}}, done), "ab");
}

TEST(LintKinds, AreRecognisedByContent) {
  EXPECT_EQ(RecognizeKind("[property]\ngpu-id=0\n", "x"), FileKind::kNvinfer);
  EXPECT_EQ(RecognizeKind("[source0]\nenable=1\n", "x"), FileKind::kApp);
  EXPECT_EQ(RecognizeKind("infer_config {\n}\n", "x"), FileKind::kServer);
  EXPECT_EQ(RecognizeKind("person\nbicycle\n", "x"), FileKind::kLabels);
  EXPECT_EQ(RecognizeKind("property:\n  gpu-id: 0\n", "x.yml"), FileKind::kNvinfer);
  EXPECT_EQ(RecognizeKind("application:\n  enable-perf-measurement: 1\n", "x.yaml"),
            FileKind::kApp);
  EXPECT_EQ(RecognizeKind("primary-gie:\n  config-file-path: a.yml\n", "x.yml"), FileKind::kOther);
  EXPECT_EQ(RecognizeKind("[property]\nenable=1\nconfig-width=1920\n", "x"), FileKind::kOther);
}

TEST(LintYaml, GivesTheSameFindingsAtTheirLines) {
  testing::TemporaryDirectory folder;
  const fs::path path = folder / "infer.yml";
  std::ofstream(path) << "property:\n  gpu-id: 0\n  num-detected-clases: 3\n  cluster-mode: 7\n"
                         "class-attrs-all:\n  topk: 0\n";
  Result<LintResult> result = Lint({path}, {});
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(Of("unknown-key", *result).size(), 1U);
  EXPECT_EQ(Of("unknown-key", *result).front().place.line, 3U);
  EXPECT_EQ(Of("out-of-range", *result).front().place.line, 4U);
  EXPECT_EQ(Of("out-of-range", *result).front().place.column, 17U);
  EXPECT_EQ(Of("topk-zero", *result).front().place.line, 6U);
}

TEST(LintYaml, ReadsTheTableOfSources) {
  testing::TemporaryDirectory folder;
  std::ofstream(folder / "sources.csv") << "enable,type,uri\n1,2,/a.mp4\n1,4,rtsp://b\n";
  std::ofstream(folder / "app.yml") << "application:\n  enable-perf-measurement: 1\n"
                                       "source:\n  csv-file-path: sources.csv\n"
                                       "streammux:\n  batch-size: 1\n  width: 640\n  height: 480\n";
  Result<LintResult> result = Lint({folder / "app.yml"}, {});
  ASSERT_TRUE(result.ok());
  const std::vector<Diagnostic> found = Of("uri-without-scheme", *result);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().place.file.filename(), "sources.csv");
  EXPECT_EQ(found.front().place.line, 2U);
  EXPECT_EQ(Of("batch-below-sources", *result).front().place.line, 6U);
}

TEST(LintYaml, DamagedFilesAreFindings) {
  testing::TemporaryDirectory folder;
  const fs::path path = folder / "infer.yml";
  for (const std::string& text :
       {std::string("property:\n  a: [1\n"), std::string(100000, '['),
        std::string("property:\n  gpu-id: 0\n[class-attrs-1]\n"), std::string("a: *b\n")}) {
    std::ofstream(path, std::ios::trunc) << text;
    Result<LintResult> result = Lint({path}, {});
    ASSERT_TRUE(result.ok());
    const bool nvinfer = text.rfind("property:", 0) == 0;
    EXPECT_EQ(Of("unreadable", *result).size(), nvinfer ? 1U : 0U);
  }
}

TEST(LintPrint, SarifHasTheShapeThatReadersWant) {
  const Project project(Json::parse(R"({"infer": {"class-attrs-all/topk": "0"}})"));
  const Json sarif =
      Json::parse(ReportSarif(project.Run(), LintRules(), "edet config lint", "1.2.3"));
  EXPECT_EQ(sarif.at("version"), "2.1.0");
  const Json& run = sarif.at("runs").at(0);
  const Json& driver = run.at("tool").at("driver");
  EXPECT_EQ(driver.at("rules").size(), LintRules().rules().size());
  bool found = false;
  for (const Json& result : run.at("results")) {
    const Json& rule = driver.at("rules").at(result.at("ruleIndex").get<size_t>());
    EXPECT_EQ(rule.at("id"), result.at("ruleId"));
    EXPECT_TRUE(std::set<std::string>({"error", "warning", "note"}).count(result.at("level")));
    const Json& physical = result.at("locations").at(0).at("physicalLocation");
    EXPECT_FALSE(physical.at("artifactLocation").at("uri").get<std::string>().empty());
    EXPECT_GE(physical.at("region").at("startLine").get<int>(), 1);
    found |= result.at("ruleId") == "topk-zero";
  }
  EXPECT_TRUE(found);
}

TEST(LintPrint, TextNamesFileLineColumnRuleAndFix) {
  const Project project(Json::parse(R"({"infer": {"class-attrs-all/topk": "0"}})"));
  const std::string text = ReportText(project.Run());
  EXPECT_THAT(text, ::testing::ContainsRegex(
                        "config_infer_primary.txt:[0-9]+:6: error: topk=0 drops every object "
                        ".topk-zero.\n"));
  EXPECT_THAT(text, HasSubstr("    fix: "));
  const Json json = Json::parse(ReportJson(project.Run()));
  EXPECT_EQ(json.at("errors"), 1);
}

TEST(LintFiles, ThatAreNotThereAreErrors) {
  EXPECT_EQ(Lint({"/nonexistent/a.txt"}, {}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace edet::lint
