// Graphs from elsewhere: what is read, and what is refused with one line.
#include "onnx/read_graph.h"

#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <functional>

#include "base/file.h"
#include "onnx/analysis.h"
#include "onnx/before_running.h"
#include "onnx/write.h"
#include "testing/temporary_directory.h"

namespace edet::onnx_format {
namespace {
namespace fs = std::filesystem;
namespace format = ::onnx;

format::NodeProto* AddNode(format::GraphProto* graph, const char* op, const char* name,
                           std::vector<const char*> inputs, std::vector<const char*> outputs) {
  format::NodeProto* node = graph->add_node();
  node->set_op_type(op);
  node->set_name(name);
  for (const char* input : inputs) node->add_input(input);
  for (const char* output : outputs) node->add_output(output);
  return node;
}

format::TensorProto* AddFloats(format::GraphProto* graph, const char* name,
                               std::vector<int64_t> dims, size_t count) {
  format::TensorProto* tensor = graph->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(format::TensorProto_DataType_FLOAT);
  for (int64_t dim : dims) tensor->add_dims(dim);
  tensor->set_raw_data(std::string(count * sizeof(float), '\0'));
  return tensor;
}

void AddInts(format::NodeProto* node, const char* name, std::vector<int64_t> values) {
  format::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(format::AttributeProto_AttributeType_INTS);
  for (int64_t value : values) attribute->add_ints(value);
}

// x [1, 4] -> Add w -> y.
class ForeignFile : public ::testing::Test {
 protected:
  ForeignFile() {
    model_.set_ir_version(7);
    SetOpset(13);
    format::GraphProto* graph = model_.mutable_graph();
    graph->set_name("g");
    auto* x = graph->add_input();
    x->set_name("x");
    auto* type = x->mutable_type()->mutable_tensor_type();
    type->set_elem_type(format::TensorProto_DataType_FLOAT);
    type->mutable_shape()->add_dim()->set_dim_value(1);
    type->mutable_shape()->add_dim()->set_dim_value(4);
    weights_ = AddFloats(graph, "w", {4}, 4);
    AddNode(graph, "Add", "add", {"x", "w"}, {"y"});
    graph->add_output()->set_name("y");
  }
  void SetOpset(int64_t version) {
    model_.clear_opset_import();
    auto* opset = model_.add_opset_import();
    opset->set_domain("");
    opset->set_version(version);
  }
  format::GraphProto* graph() { return model_.mutable_graph(); }
  Result<ForeignModel> Read(const ReadLimits& limits = {}) {
    std::ofstream(path_, std::ios::binary) << model_.SerializeAsString();
    return ReadGraph(path_, limits);
  }
  // The error of a file that must be refused: its code, and one line that holds `text`.
  void ExpectRefused(ErrorCode code, const std::string& text, const ReadLimits& limits = {}) {
    Result<ForeignModel> read = Read(limits);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code, code) << read.error().ToString();
    EXPECT_NE(read.error().ToString().find(text), std::string::npos) << read.error().ToString();
    EXPECT_EQ(read.error().ToString().find('\n'), std::string::npos);
    EXPECT_EQ(ExitCode(read.error().code), 3);
  }
  Status Write() {
    std::ofstream file(path_, std::ios::binary);
    file << model_.SerializeAsString();
    return file ? Status() : Error{ErrorCode::kIo, "cannot write", path_.string(), ""};
  }
  void ExpectOthersMayNotRead(ErrorCode code, const std::string& text) {
    ASSERT_TRUE(Write().ok());
    const Status status = CheckBeforeRunning(path_);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_EQ(status.error().code, code) << status.error().ToString();
    EXPECT_NE(status.error().ToString().find(text), std::string::npos) << status.error().ToString();
    EXPECT_EQ(status.error().ToString().find('\n'), std::string::npos);
  }
  void MakeExternal(const std::string& location, const std::string& offset = "0",
                    const std::string& length = "16") {
    weights_->clear_raw_data();
    weights_->set_data_location(format::TensorProto_DataLocation_EXTERNAL);
    weights_->clear_external_data();
    for (auto [key, value] :
         {std::pair{"location", location}, {"offset", offset}, {"length", length}}) {
      auto* entry = weights_->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
  }
  edet::testing::TemporaryDirectory folder_;
  fs::path path_ = folder_ / "model.onnx";
  format::ModelProto model_;
  format::TensorProto* weights_ = nullptr;
};

TEST_F(ForeignFile, KeepsOperatorsAttributesAndDomains) {
  auto* node = AddNode(graph(), "Odd", "odd", {"y", ""}, {"z", "", "zz"});
  node->set_domain("my.domain");
  AddInts(node, "ints", {3, -1});
  auto* text = node->add_attribute();
  text->set_name("texts");
  text->set_type(format::AttributeProto_AttributeType_STRINGS);
  text->add_strings("a");
  Result<ForeignModel> read = Read();
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  const graph::Node& odd = read->graph.nodes[1];
  EXPECT_EQ(odd.domain, "my.domain");
  EXPECT_EQ(odd.inputs[1], graph::kNoValue);
  EXPECT_EQ(odd.outputs[1], graph::kNoValue);
  EXPECT_EQ(IntsAttribute(odd, "ints"), (std::vector<int64_t>{3, -1}));
  fs::path again = folder_ / "again.onnx";
  ASSERT_TRUE(WriteModel(read->graph, {}, again).ok());
  format::ModelProto written;
  ASSERT_TRUE(written.ParseFromString(*ReadFile(again)));
  const format::NodeProto& copy = written.graph().node(1);
  EXPECT_EQ(copy.domain(), "my.domain");
  EXPECT_EQ(copy.input(1), "");
  ASSERT_EQ(copy.attribute_size(), 2);
  EXPECT_EQ(copy.attribute(1).strings(0), "a");
}

TEST_F(ForeignFile, SortsNodesAndTellsIt) {
  AddNode(graph(), "Relu", "late", {"z"}, {"out"});
  AddNode(graph(), "Neg", "early", {"y"}, {"z"});
  Result<ForeignModel> read = Read();
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->sorted);
  EXPECT_EQ(read->graph.nodes[2].name, "late");
}

TEST_F(ForeignFile, ReadsParametersThatOldOpsetsHaveAsAttributes) {
  SetOpset(9);
  auto* slice = AddNode(graph(), "Slice", "slice", {"y"}, {"s"});
  AddInts(slice, "starts", {1});
  AddInts(slice, "ends", {3});
  AddInts(slice, "axes", {1});
  auto* squeeze = AddNode(graph(), "Squeeze", "squeeze", {"s"}, {"q"});
  AddInts(squeeze, "axes", {0});
  Result<ForeignModel> read = Read();
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  const graph::Graph& g = read->graph;
  ASSERT_EQ(g.nodes[1].inputs.size(), 4u);
  EXPECT_EQ(g.constant(g.nodes[1].inputs[2])->integers, std::vector<int64_t>{3});
  ASSERT_EQ(g.nodes[2].inputs.size(), 2u);
  EXPECT_EQ(g.constant(g.nodes[2].inputs[1])->integers, std::vector<int64_t>{0});
  EXPECT_TRUE(g.nodes[2].attributes.empty());
}

TEST_F(ForeignFile, WritesOldFormsForOldOpsets) {
  graph::Graph g;
  g.name = "old";
  graph::ValueId x = g.AddInput("x", graph::ElementType::kFloat32, {1, 1, 2, 2});
  graph::ValueId scales = g.AddConstant("s", graph::FloatTensor({4}, {1, 1, 2, 2}));
  graph::ValueId r = g.AddNode("Resize", "r", {x, graph::kNoValue, scales},
                               graph::ElementType::kFloat32, {1, 1, 4, 4});
  graph::ValueId axes = g.AddConstant("axes", graph::Int64Tensor({1}, {0}));
  g.MarkOutput(g.AddNode("Squeeze", "q", {r, axes}, graph::ElementType::kFloat32, {1, 4, 4}), "y");
  for (int64_t opset : {11, 13}) {
    WriteOptions options;
    options.opset = opset;
    ASSERT_TRUE(WriteModel(g, options, path_).ok());
    format::ModelProto written;
    ASSERT_TRUE(written.ParseFromString(*ReadFile(path_)));
    EXPECT_NO_THROW(format::checker::check_model(written)) << "opset " << opset;
    EXPECT_EQ(written.graph().node(1).attribute_size(), opset == 11 ? 1 : 0);
  }
}

void SetFloats4(format::ValueInfoProto* value) {
  auto* type = value->mutable_type()->mutable_tensor_type();
  type->set_elem_type(format::TensorProto_DataType_FLOAT);
  type->mutable_shape()->add_dim()->set_dim_value(4);
}

// Both branches of an If get `op` of x; z is its result.
void AddIf(format::GraphProto* graph, const std::function<void(format::NodeProto*)>& change) {
  auto* condition = graph->add_initializer();
  condition->set_name("c");
  condition->set_data_type(format::TensorProto_DataType_BOOL);
  condition->add_int32_data(1);
  format::NodeProto* node = AddNode(graph, "If", "choice", {"c"}, {"z"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto* attribute = node->add_attribute();
    attribute->set_name(branch);
    attribute->set_type(format::AttributeProto_AttributeType_GRAPH);
    format::GraphProto* body = attribute->mutable_g();
    body->set_name(branch);
    change(AddNode(body, "Squeeze", "inner", {"x"}, {"inner_z"}));
    auto* output = body->add_output();
    output->set_name("inner_z");
    SetFloats4(output);
  }
  graph->add_output()->set_name("z");
}

// The same file with another opset number would not pass the checker: the bodies must change too.
TEST_F(ForeignFile, UpgradesBodiesWithTheOpset) {
  SetOpset(9);
  AddIf(graph(), [](format::NodeProto* inner) { AddInts(inner, "axes", {0}); });
  for (auto& output : *graph()->mutable_output()) SetFloats4(&output);
  EXPECT_NO_THROW(format::checker::check_model(model_));
  Result<ForeignModel> read = Read();
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  WriteOptions options;
  ASSERT_TRUE(WriteModel(read->graph, options, path_).ok());
  format::ModelProto written;
  std::ifstream in(path_, std::ios::binary);
  ASSERT_TRUE(written.ParseFromIstream(&in));
  EXPECT_NO_THROW(format::checker::check_model(written));
  const auto& node = written.graph().node(written.graph().node_size() - 1);
  ASSERT_EQ(node.op_type(), "If");
  for (const auto& branch : node.attribute()) {
    ASSERT_EQ(branch.g().initializer_size(), 1);
    EXPECT_EQ(branch.g().initializer(0).int64_data(0), 0);
    EXPECT_EQ(branch.g().node(0).input(1), branch.g().initializer(0).name());
  }
  options.opset = 11;
  Status old = WriteModel(std::move(read->graph), options, path_);
  ASSERT_FALSE(old.ok());
  EXPECT_NE(old.error().ToString().find("body of 'choice' has Squeeze"), std::string::npos);
}

TEST_F(ForeignFile, RefusesBodiesThatCannotBeUpgraded) {
  SetOpset(11);
  AddIf(graph(), [](format::NodeProto* inner) { inner->set_op_type("Softmax"); });
  ExpectRefused(ErrorCode::kUnsupported, "body of 'choice' has Softmax in the form of opset 11");
  SetOpset(18);
  for (auto& attribute : *graph()->mutable_node(1)->mutable_attribute())
    attribute.mutable_g()->mutable_node(0)->set_op_type("ReduceMax");
  ExpectRefused(ErrorCode::kUnsupported, "body of 'choice' has ReduceMax");
}

TEST_F(ForeignFile, ReadsExternalDataOfItsFolder) {
  float values[] = {0.F, 1.F, 2.F, 3.F, 4.F};
  std::ofstream(folder_ / "weights.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(values), sizeof values);
  MakeExternal("weights.bin", "4");
  Result<ForeignModel> read = Read();
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  const graph::Graph& g = read->graph;
  EXPECT_EQ(g.constant(g.nodes[0].inputs[1])->floats, (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(ForeignFile, RefusesExternalDataOutsideOrBehindLinks) {
  edet::testing::TemporaryDirectory elsewhere;
  std::ofstream(elsewhere / "secret", std::ios::binary) << std::string(16, 'x');
  std::ofstream(folder_ / "plain", std::ios::binary) << std::string(16, 'x');
  fs::create_symlink(elsewhere / "secret", folder_ / "link");
  fs::create_directory_symlink(elsewhere.path(), folder_ / "way");
  fs::create_hard_link(elsewhere / "secret", folder_ / "hard");
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  for (const std::string& bad :
       {(elsewhere / "secret").string(),
        std::string("../") + elsewhere.path().filename().string() + "/secret",
        std::string("a/../../x"), std::string("link"), std::string("way/secret"),
        std::string("hard"), std::string("fifo"), std::string("")}) {
    MakeExternal(bad);
    ExpectRefused(ErrorCode::kCorrupt, "external data");
    ExpectOthersMayNotRead(ErrorCode::kCorrupt, "external data");
  }
}

// What another reader is going to open is held to the same rules, wherever in the file it is named.
TEST_F(ForeignFile, ChecksExternalDataForOtherReaders) {
  std::ofstream(folder_ / "plain", std::ios::binary) << std::string(16, 'x');
  MakeExternal("plain");
  ASSERT_TRUE(Write().ok());
  EXPECT_TRUE(CheckBeforeRunning(path_).ok());
  const auto bad = *weights_;
  auto outside = bad;
  outside.mutable_external_data(0)->set_value("/etc/hostname");
  *graph()->mutable_node(0)->add_attribute()->mutable_t() = outside;
  ExpectOthersMayNotRead(ErrorCode::kCorrupt, "outside of the model's folder");
  auto* attribute = graph()->mutable_node(0)->mutable_attribute(0);
  attribute->Clear();
  *attribute->add_graphs()->add_initializer() = outside;
  ExpectOthersMayNotRead(ErrorCode::kCorrupt, "outside of the model's folder");
  graph()->mutable_node(0)->clear_attribute();
  *graph()->add_sparse_initializer()->mutable_values() = outside;
  ExpectOthersMayNotRead(ErrorCode::kCorrupt, "outside of the model's folder");
  graph()->clear_sparse_initializer();
  *model_.add_functions()->add_node()->add_attribute()->add_tensors() = outside;
  ExpectOthersMayNotRead(ErrorCode::kCorrupt, "outside of the model's folder");
  model_.clear_functions();
  *model_.add_training_info()->mutable_algorithm()->add_initializer() = outside;
  ExpectOthersMayNotRead(ErrorCode::kCorrupt, "outside of the model's folder");
}

// protobuf merges the parts of a message: neither part alone is external data in a bad place.
TEST_F(ForeignFile, ChecksExternalDataThatComesInParts) {
  std::ofstream(folder_ / "plain", std::ios::binary) << std::string(16, 'x');
  MakeExternal("plain");
  format::AttributeProto first, second;
  *first.mutable_t() = *weights_;
  auto* place = second.mutable_t()->add_external_data();
  place->set_key("location");
  place->set_value("/etc/hostname");
  format::AttributeProto merged;
  ASSERT_TRUE(merged.ParseFromString(first.SerializeAsString() + second.SerializeAsString()));
  ASSERT_EQ(merged.t().external_data_size(), 4);  // what a reader gets
  const std::string attribute = first.SerializeAsString() + second.SerializeAsString();
  const auto field = [](int number, const std::string& bytes) {
    std::string text(1, static_cast<char>(number << 3 | 2));
    text += static_cast<char>(0x80 | (bytes.size() & 0x7F));
    text += static_cast<char>(bytes.size() >> 7);
    return text + bytes;
  };
  const std::string node = field(format::NodeProto::kAttributeFieldNumber, attribute);
  const std::string graph = field(format::GraphProto::kNodeFieldNumber, node);
  std::ofstream(path_, std::ios::binary) << field(format::ModelProto::kGraphFieldNumber, graph);
  Status status = CheckBeforeRunning(path_);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().what.find("outside of the model's folder"), std::string::npos);
  MakeExternal("plain");
  *weights_->add_external_data() = *place;
  ExpectRefused(ErrorCode::kCorrupt, "two places");
}

TEST_F(ForeignFile, RefusesExternalDataThatDoesNotFit) {
  std::ofstream(folder_ / "w", std::ios::binary) << std::string(20, 'x');
  MakeExternal("w", "8");
  ExpectRefused(ErrorCode::kCorrupt, "ends before");
  ExpectOthersMayNotRead(ErrorCode::kCorrupt, "ends before");
  MakeExternal("w", "-1");
  ExpectRefused(ErrorCode::kCorrupt, "offset");
  MakeExternal("w", "18446744073709551615");
  ExpectRefused(ErrorCode::kCorrupt, "ends before");
  MakeExternal("w", "0", "12");
  ExpectRefused(ErrorCode::kCorrupt, "length");
  MakeExternal("absent");
  ExpectRefused(ErrorCode::kNotFound, "external data");
}

// Whoever infers shapes divides by these.
TEST_F(ForeignFile, RefusesWindowsOfNoSize) {
  struct Case {
    const char *op, *attribute;
    int64_t value;
  };
  for (const Case& bad :
       {Case{"ConvTranspose", "strides", 0}, Case{"Conv", "dilations", int64_t{1} << 62},
        Case{"AveragePool", "kernel_shape", -1}, Case{"Conv", "pads", int64_t{1} << 62}}) {
    auto* node = graph()->mutable_node(0);
    node->set_op_type(bad.op);
    node->clear_attribute();
    AddInts(node, bad.attribute, {bad.value, bad.value});
    ExpectRefused(ErrorCode::kCorrupt, std::string("impossible '") + bad.attribute + "'");
    EXPECT_FALSE(AnalyzeModel(path_).ok());
  }
  const format::NodeProto inner = graph()->node(0);
  auto* choice = graph()->mutable_node(0);
  choice->set_op_type("If");
  choice->clear_attribute();
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto* attribute = choice->add_attribute();
    attribute->set_name(branch);
    *attribute->mutable_g()->add_node() = inner;
  }
  ExpectRefused(ErrorCode::kCorrupt, "impossible 'pads'");
  EXPECT_FALSE(AnalyzeModel(path_).ok());
}

// Inference of ONNX asks them without looking.
TEST_F(ForeignFile, RefusesOperatorsWithoutTheirAttributes) {
  for (const char* op : {"Scan", "Loop", "If", "Concat"}) {
    graph()->mutable_node(0)->set_op_type(op);
    ExpectRefused(ErrorCode::kCorrupt, "lacks the attribute");
    Result<ModelAnalysis> analysis = AnalyzeModel(path_);
    ASSERT_FALSE(analysis.ok()) << op;
    EXPECT_NE(analysis.error().what.find(op), std::string::npos);
  }
}

TEST_F(ForeignFile, RefusesAScanOfMoreInputsThanThereAre) {
  auto* scan = graph()->mutable_node(0);
  scan->set_op_type("Scan");
  auto* body = scan->add_attribute();
  body->set_name("body");
  body->mutable_g();
  auto* count = scan->add_attribute();
  count->set_name("num_scan_inputs");
  for (int64_t bad : {int64_t{0}, int64_t{3}, int64_t{1} << 62}) {
    count->set_i(bad);
    ExpectRefused(ErrorCode::kCorrupt, "num_scan_inputs");
    EXPECT_FALSE(AnalyzeModel(path_).ok());
  }
}

// Two bytes each, hundreds in memory.
TEST_F(ForeignFile, RefusesCrumbs) {
  const std::string good = model_.SerializeAsString();
  for (const char* crumb : {"\x72", "\xFA\x01"}) {  // metadata; a field that nobody knows
    std::string crumbs;
    while (crumbs.size() < 2'500'000) crumbs += std::string(crumb) + '\0';
    std::ofstream(path_, std::ios::binary) << good << crumbs;
    Result<ForeignModel> read = ReadGraph(path_);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, ErrorCode::kLimitExceeded) << read.error().ToString();
  }
}

TEST_F(ForeignFile, ShowsNoRunnerWhatItCannotEnd) {
  ASSERT_TRUE(Write().ok());
  EXPECT_TRUE(CheckBeforeRunning(path_).ok());
  format::GraphProto body;
  for (int depth = 0; depth < 12; ++depth) {
    format::GraphProto outer;
    auto* attribute = outer.add_node()->add_attribute();
    attribute->set_name("then_branch");
    *attribute->mutable_g() = body;
    body = outer;
    *graph()->mutable_node(0) = body.node(0);
    ASSERT_TRUE(Write().ok());
    EXPECT_EQ(CheckBeforeRunning(path_).ok(), depth < 10) << depth;
  }
  ExpectOthersMayNotRead(ErrorCode::kLimitExceeded, "too deep");
  graph()->mutable_node(0)->clear_attribute();
  SetOpset(int64_t{1} << 40);
  ExpectOthersMayNotRead(ErrorCode::kCorrupt, "opset");
}

TEST_F(ForeignFile, RefusesValuesThatDoNotFitTheirShape) {
  weights_->set_dims(0, 5);
  ExpectRefused(ErrorCode::kCorrupt, "tensor w");
  weights_->set_dims(0, -4);
  ExpectRefused(ErrorCode::kCorrupt, "impossible shape");
  weights_->clear_dims();
  for (int64_t dim : {int64_t{0}, int64_t{1} << 32, int64_t{1} << 32}) weights_->add_dims(dim);
  ExpectRefused(ErrorCode::kCorrupt, "tensor w");
  weights_->set_dims(0, int64_t{1} << 40);
  ExpectRefused(ErrorCode::kCorrupt, "impossible shape");
  weights_->clear_dims();
  weights_->add_dims(int64_t{1} << 40);
  ExpectRefused(ErrorCode::kLimitExceeded, "tensor w");
}

TEST_F(ForeignFile, RefusesRawAndTypedValuesAtOnce) {
  weights_->add_float_data(1.F);
  ExpectRefused(ErrorCode::kCorrupt, "raw and typed");
}

TEST_F(ForeignFile, RefusesNamesThatNothingOrTwoThingsMake) {
  AddNode(graph(), "Relu", "dangling", {"nothing"}, {"z"});
  ExpectRefused(ErrorCode::kCorrupt, "nothing makes 'nothing'");
  graph()->mutable_node(1)->set_input(0, "y");
  graph()->mutable_node(1)->set_output(0, "y");
  ExpectRefused(ErrorCode::kCorrupt, "two things make");
}

TEST_F(ForeignFile, RefusesOperatorsWithoutTheInputsThatTheyNeed) {
  AddNode(graph(), "Slice", "slice", {}, {"z"});
  ExpectRefused(ErrorCode::kCorrupt, "Slice lacks an input");
  graph()->mutable_node(1)->set_op_type("Conv");
  graph()->mutable_node(1)->add_input("y");
  graph()->mutable_node(1)->add_input("");
  ExpectRefused(ErrorCode::kCorrupt, "Conv lacks an input");
  graph()->mutable_node(1)->set_op_type("Resize");  // what follows its first input is optional
  EXPECT_TRUE(Read().ok());
}

TEST_F(ForeignFile, RefusesACycle) {
  AddNode(graph(), "Add", "hen", {"y", "egg"}, {"hen"});
  AddNode(graph(), "Relu", "egg", {"hen"}, {"egg"});
  ExpectRefused(ErrorCode::kCorrupt, "circle: hen");
}

TEST_F(ForeignFile, RefusesOpsetsThatItDoesNotKnow) {
  for (int64_t opset : {int64_t{0}, int64_t{6}, int64_t{19}, int64_t{1} << 40}) {
    SetOpset(opset);
    ExpectRefused(ErrorCode::kUnsupported, "opset");
  }
}

TEST_F(ForeignFile, RefusesWhatIsOverItsLimits) {
  ReadLimits limits;
  limits.nodes = 1;
  AddNode(graph(), "Relu", "second", {"y"}, {"z"});
  ExpectRefused(ErrorCode::kLimitExceeded, "too many nodes", limits);
  limits = {};
  graph()->mutable_node(1)->set_name(std::string(2000, 'n') + "\n");
  ExpectRefused(ErrorCode::kLimitExceeded, "name", limits);
}

TEST_F(ForeignFile, RefusesEveryTruncation) {
  std::string whole = model_.SerializeAsString();
  for (size_t length = 0; length < whole.size(); length += 7) {
    std::ofstream(path_, std::ios::binary) << whole.substr(0, length);
    Result<ForeignModel> read = ReadGraph(path_);
    if (read.ok()) continue;  // protobuf cannot tell where a message that is cut at a field ends
    EXPECT_EQ(ExitCode(read.error().code), 3) << length;
  }
}

// Subgraph in subgraph, without an end: left before the file is read through.
TEST_F(ForeignFile, LeavesAHugeNestingEarly) {
  constexpr uint64_t kSize = uint64_t{1} << 30;
  std::string head;
  uint64_t left = kSize;
  auto open = [&](char tag) {
    left -= 6;
    head += tag;
    for (int i = 0; i < 5; ++i)
      head += static_cast<char>(((left >> (7 * i)) & 0x7F) | (i < 4 ? 0x80 : 0));
  };
  open(0x3A);                       // ModelProto.graph
  for (int i = 0; i < 2000; ++i) {  // GraphProto.node, NodeProto.attribute, AttributeProto.g
    open(0x0A);
    open(0x2A);
    open(0x32);
  }
  std::ofstream(path_, std::ios::binary) << head;
  fs::resize_file(path_, kSize);  // sparse
  auto begin = std::chrono::steady_clock::now();
  Result<ForeignModel> read = ReadGraph(path_);
  auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  EXPECT_LT(std::chrono::duration<double>(took).count(), 1.0);
}

}  // namespace
}  // namespace edet::onnx_format
