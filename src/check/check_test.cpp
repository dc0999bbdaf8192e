// Every rule has a network that it must report and one that it must not:
// testdata/rule_cases.json. The newest parser's own verdicts: tests/judges/check_corpus.py.
#include "check/check.h"

#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "check/tables.h"
#include "deepstream/platforms.h"
#include "lint/print.h"
#include "testing/temporary_directory.h"

namespace edet::check {
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

int TypeOf(const std::string& name) {
  static const std::map<std::string, int> types = {{"float32", 1}, {"uint8", 2},  {"int8", 3},
                                                   {"int64", 7},   {"string", 8}, {"float16", 10}};
  return types.at(name);
}

void SetAttribute(::onnx::AttributeProto& attribute, const Json& value) {
  if (value.is_string()) {
    attribute.set_type(::onnx::AttributeProto::STRING);
    attribute.set_s(value.get<std::string>());
  } else if (value.is_array()) {
    attribute.set_type(::onnx::AttributeProto::INTS);
    for (const Json& item : value) attribute.add_ints(item.get<int64_t>());
  } else {
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(value.get<int64_t>());
  }
}

void AddInput(::onnx::GraphProto& graph, const std::string& name, const Json& type) {
  auto* input = graph.add_input();
  input->set_name(name);
  auto* tensor = input->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(TypeOf(type.at(0).get<std::string>()));
  for (const Json& size : type.at(1)) {
    auto* dimension = tensor->mutable_shape()->add_dim();
    if (size.is_string())
      dimension->set_dim_param(size.get<std::string>());
    else
      dimension->set_dim_value(size.get<int64_t>());
  }
}

void AddConstant(::onnx::GraphProto& graph, const std::string& name, const Json& spec) {
  auto* tensor = graph.add_initializer();
  tensor->set_name(name);
  const std::string type = spec.at(0);
  tensor->set_data_type(TypeOf(type));
  for (const Json& size : spec.at(1)) tensor->add_dims(size.get<int64_t>());
  const Json values = spec.size() > 2 ? spec.at(2) : Json::array();
  if (values.is_string()) {
    tensor->set_data_location(::onnx::TensorProto::EXTERNAL);
    auto* entry = tensor->add_external_data();
    entry->set_key("location");
    entry->set_value(values.get<std::string>());
    return;
  }
  for (const Json& value : values) {
    if (type == "float32") tensor->add_float_data(value.get<float>());
    if (type == "int8") tensor->add_int32_data(value.get<int32_t>());
  }
}

std::string OnnxBytes(const Json& spec) {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(spec.value("opset", 13));
  auto& graph = *model.mutable_graph();
  graph.set_name("g");
  const Json image = Json::parse(R"({"x": ["float32", [1, 512, 512, 3]]})");
  const Json inputs = spec.value("inputs", image),
             constants = spec.value("constants", Json::object());
  for (const auto& [name, type] : inputs.items()) AddInput(graph, name, type);
  for (const auto& [name, constant] : constants.items()) AddConstant(graph, name, constant);
  if (spec.value("sparse", false)) graph.add_sparse_initializer();
  for (const Json& row : spec.at("nodes")) {
    auto* node = graph.add_node();
    node->set_op_type(row.at("op").get<std::string>());
    for (const std::string input : row.at("in")) node->add_input(input);
    for (const std::string output : row.at("out")) node->add_output(output);
    const Json attributes = row.value("attributes", Json::object());
    for (const auto& [name, value] : attributes.items()) {
      auto* attribute = node->add_attribute();
      attribute->set_name(name);
      SetAttribute(*attribute, value);
    }
  }
  graph.add_output()->set_name("y");
  return model.SerializeAsString();
}

class Network {
 public:
  explicit Network(const Json& spec) : target_(spec.value("target", "dgpu-9.1")) {
    fs::create_directories(folder_ / "model");
    std::ofstream(folder_ / "there.bin") << "0000";
    std::ofstream(folder_ / "model/there.bin") << "0000";
    std::ofstream(folder_ / "model/model.onnx", std::ios::binary) << OnnxBytes(spec);
  }
  lint::LintResult Check() const {
    Result<Target> target = FindTarget(target_);
    EXPECT_TRUE(target.ok()) << target_;
    Result<lint::LintResult> result = CheckModel(folder_ / "model/model.onnx", *target);
    EXPECT_TRUE(result.ok()) << result.error().ToString();
    return result.ok() ? std::move(*result) : lint::LintResult{};
  }

 private:
  std::string target_;
  testing::TemporaryDirectory folder_;
};

Json Cases() {
  return Json::parse(ReadText(fs::path(EDET_CHECK_CASES) / "rule_cases.json")).at("cases");
}

std::vector<lint::Diagnostic> Of(const std::string& rule, const lint::LintResult& result) {
  std::vector<lint::Diagnostic> found;
  for (const lint::Diagnostic& diagnostic : result.diagnostics) {
    if (diagnostic.rule->id == rule) found.push_back(diagnostic);
  }
  return found;
}

TEST(CheckRules, EachIsReportedWhereItMustAndNotWhereItMustNot) {
  for (const Json& item : Cases()) {
    const std::string rule = item.at("rule");
    const lint::LintResult hit = Network(item.at("hit")).Check();
    const std::vector<lint::Diagnostic> found = Of(rule, hit);
    ASSERT_EQ(found.size(), 1U) << rule << " in\n" << lint::ReportText(hit) << item.dump();
    if (item.contains("says")) {
      EXPECT_THAT(found.front().message, HasSubstr(item.at("says").get<std::string>()));
    }
    const lint::LintResult miss = Network(item.at("miss")).Check();
    EXPECT_TRUE(Of(rule, miss).empty()) << rule << " is reported in\n"
                                        << lint::ReportText(miss) << item.dump();
  }
}

TEST(CheckRules, EachHasACaseAndIsInTheDocument) {
  std::set<std::string> rules;
  std::set<std::string> with_case = {"tensorrt-refuses", "tensorrt-takes"};  // tests/judges
  for (const lint::Rule& rule : check::CheckRules().rules()) rules.insert(rule.id);
  for (const Json& item : Cases()) with_case.insert(item.at("rule").get<std::string>());
  EXPECT_EQ(rules, with_case);
  EXPECT_NE(ReadText(EDET_CHECK_DOC).find(check::CheckRules().Markdown()), std::string::npos)
      << "put the output of `edet check --list-rules` into docs/check.md";
}

TEST(CheckRules, OneFindingForACauseNamesItsNodes) {
  Json spec = {{"nodes", Json::array()}};
  for (int i = 0; i < 5; ++i) {
    const std::string own = std::to_string(i), next = std::to_string(i + 1);
    spec["nodes"].push_back(
        {{"op", "DecodeJpeg"}, {"in", {i == 0 ? "x" : "t" + own}}, {"out", {"t" + next}}});
  }
  const lint::LintResult result = Network(spec).Check();
  const std::vector<lint::Diagnostic> found = Of("operator-unknown", result);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].nodes.size(), 5U);
  EXPECT_THAT(found[0].message, HasSubstr("(5 nodes: t1, t2, t3, ...)"));
  EXPECT_THAT(lint::ReportJson(result), HasSubstr("\"stage\": \"parser\""));
}

TEST(Targets, ArePlatformsJetPacksAndTensorRts) {
  EXPECT_EQ(FindTarget("xavier-jp5")->tensorrt, "8.5.2");
  EXPECT_EQ(FindTarget("trt-10.3")->tensorrt, "10.3");
  EXPECT_EQ(FindTarget("trt-10.3")->deepstream, "");
  EXPECT_EQ(FindTarget("jetpack-4.5.1")->tensorrt, "7.1.3");
  EXPECT_EQ(FindTarget("jetpack-4.6")->tensorrt, "8.0.1");
  EXPECT_EQ(FindTarget("jetpack-4.6")->deepstream, "6.0");
  EXPECT_EQ(FindTarget("jetpack-4.6.1")->tensorrt, "8.2.1");
  EXPECT_EQ(FindTarget("jetpack-5.0.2")->tensorrt, "8.4.1");
  EXPECT_EQ(FindTarget("jetpack-5.1.2")->tensorrt, "8.5.2");
  EXPECT_EQ(FindTarget("jetpack-6.1")->tensorrt, "10.3");
  EXPECT_EQ(FindTarget("jetpack-5.0.1")->tensorrt, "8.4.0");
  EXPECT_EQ(FindTarget("jp7.0")->platform, "thor-jp7");
  EXPECT_FALSE(FindTarget("jetpack-3.0").ok());
  EXPECT_FALSE(FindTarget("xavier-jp9").ok());
}

TEST(CheckModel, DamagedFilesAreErrors) {
  testing::TemporaryDirectory folder;
  const Target target = *FindTarget("xavier-jp5");
  EXPECT_EQ(CheckModel(folder / "absent.onnx", target).error().code, ErrorCode::kNotFound);
  std::ofstream(folder / "text.onnx") << "no model";
  EXPECT_EQ(CheckModel(folder / "text.onnx", target).error().code, ErrorCode::kCorrupt);
}

// They come from the command line; a long one once ran std::regex out of stack.
TEST(Targets, ThatAreNoVersionsAreRefused) {
  std::string deep = "trt-1";
  for (int i = 0; i < 60000; ++i) deep += ".1";
  EXPECT_FALSE(FindTarget(deep).ok());
  EXPECT_FALSE(FindTarget("trt-99999999999999999999.1").ok());
  EXPECT_FALSE(FindTarget("jetpack-99999999999999999999").ok());
  EXPECT_FALSE(FindTarget("trt-").ok());
}

::onnx::ModelProto ModelOf(const Json& spec) {
  ::onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(OnnxBytes(spec)));
  return model;
}

lint::LintResult CheckProto(const ::onnx::ModelProto& model, const std::string& target) {
  testing::TemporaryDirectory folder;
  std::ofstream(folder / "model.onnx", std::ios::binary) << model.SerializeAsString();
  Result<lint::LintResult> result = CheckModel(folder / "model.onnx", *FindTarget(target));
  EXPECT_TRUE(result.ok()) << result.error().ToString();
  return result.ok() ? std::move(*result) : lint::LintResult{};
}

void AddFunction(::onnx::ModelProto& model, const std::string& name, const std::string& op,
                 const std::string& domain) {
  auto* function = model.add_functions();
  function->set_domain("own");
  function->set_name(name);
  auto* node = function->add_node();
  node->set_op_type(op);
  node->set_domain(domain);
}

// The parser writes functions out: what stops it is within; bodies that nobody calls do not.
TEST(CheckModel, CalledFunctionsAreLookedInto) {
  ::onnx::ModelProto model =
      ModelOf({{"nodes", {{{"op", "Outer"}, {"in", {"x"}}, {"out", {"y"}}}}}});
  model.mutable_graph()->mutable_node(0)->set_domain("own");
  AddFunction(model, "Outer", "Inner", "own");
  AddFunction(model, "Inner", "Relu", "");
  AddFunction(model, "NotCalled", "DecodeJpeg", "");
  EXPECT_TRUE(Of("operator-unknown", CheckProto(model, "trt-10.3")).empty());
  auto* in_a_circle = model.mutable_functions(1)->add_node();
  in_a_circle->set_domain("own");
  in_a_circle->set_op_type("Outer");
  model.mutable_functions(1)->add_node()->set_op_type("DecodePng");
  const lint::LintResult result = CheckProto(model, "trt-10.3");
  const std::vector<lint::Diagnostic> found = Of("operator-unknown", result);
  ASSERT_EQ(found.size(), 1U) << lint::ReportText(result);
  EXPECT_THAT(found[0].message, HasSubstr("DecodePng"));
}

TEST(CheckModel, WeightsOfConstantNodesMayBeMissingToo) {
  ::onnx::ModelProto model =
      ModelOf({{"nodes", {{{"op", "Constant"}, {"in", Json::array()}, {"out", {"y"}}}}}});
  auto* value = model.mutable_graph()->mutable_node(0)->add_attribute();
  value->set_name("value");
  value->set_type(::onnx::AttributeProto::TENSOR);
  value->mutable_t()->set_data_type(::onnx::TensorProto::FLOAT);
  EXPECT_TRUE(Of("external-data-missing", CheckProto(model, "trt-10.3")).empty());
  value->mutable_t()->set_data_location(::onnx::TensorProto::EXTERNAL);
  auto* entry = value->mutable_t()->add_external_data();
  entry->set_key("location");
  entry->set_value("gone.bin");
  EXPECT_EQ(Of("external-data-missing", CheckProto(model, "trt-10.3")).size(), 1U);
}

TEST(CheckModel, LongNamesAreCutBetweenCharacters) {
  Json spec = {{"nodes", {{{"op", "DecodeJpeg"}, {"in", {"x"}}, {"out", {"y"}}}}}};
  ::onnx::ModelProto model = ModelOf(spec);
  model.mutable_graph()->mutable_node(0)->set_name(std::string(119, 'a') + "\u00e9\u00e9");
  const lint::LintResult result = CheckProto(model, "trt-10.3");
  const std::vector<lint::Diagnostic> found = Of("operator-unknown", result);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].nodes, ::testing::ElementsAre(std::string(119, 'a') + "..."));
}

// A node that reads what it makes, and names that nothing makes.
TEST(CheckModel, CyclesAndHolesAreSurvived) {
  const Json spec = {{"nodes",
                      {{{"op", "Reshape"}, {"in", {"x", "y"}}, {"out", {"y"}}},
                       {{"op", "Pad"}, {"in", {"nobody", ""}}, {"out", Json::array()}}}}};
  EXPECT_FALSE(Network(spec).Check().diagnostics.empty());
}

}  // namespace
}  // namespace edet::check
