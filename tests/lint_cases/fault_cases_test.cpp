// Faults that users of DeepStream really had: the linter points at the line in each, and no longer
// once it is mended. The cases are the *.yaml files beside this one; README.md tells their form.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <sys/wait.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "testing/temporary_directory.h"

namespace edet {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

struct Case {
  std::string name;
  YAML::Node node;
};

// What gtest prints of a case.
void PrintTo(const Case& fault, std::ostream* out) { *out << fault.name; }

std::vector<Case> LoadCases() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(EDET_LINT_CASES)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Case> cases;
  for (const fs::path& file : files) {
    for (const YAML::Node& node : YAML::LoadFile(file.string())) {
      cases.push_back({file.stem().string() + "_" + node["name"].as<std::string>(), node});
    }
  }
  return cases;
}

Lines Split(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string Join(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string Indent(const std::string& line) {
  return line.substr(0, std::min(line.find_first_not_of(' '), line.size()));
}

// `line` is the same as `wanted` but for the blanks before it.
bool SameLine(const std::string& line, const std::string& wanted) {
  return line.substr(Indent(line).size()) == wanted;
}

// The lines of `text` where `wanted` (one line or several) begins, counted from 0; with `group`,
// those below its head.
std::vector<size_t> FindLines(const Lines& text, const std::string& wanted,
                              const std::string& group = "") {
  const Lines sought = Split(wanted);
  std::vector<size_t> found;
  std::string current;
  for (size_t i = 0; i + sought.size() <= text.size(); ++i) {
    if (!text[i].empty() && text[i][0] == '[') current = text[i];
    if (!group.empty() && current != "[" + group + "]") continue;
    if (std::equal(sought.begin(), sought.end(), text.begin() + static_cast<std::ptrdiff_t>(i),
                   [](const std::string& a, const std::string& b) { return SameLine(b, a); })) {
      found.push_back(i);
    }
  }
  return found;
}

// Puts `now` where `was` stood; nothing where `now` is empty.
void Mend(Lines& text, const std::string& was, const std::string& now) {
  const std::vector<size_t> places = FindLines(text, was);
  ASSERT_EQ(places.size(), 1U) << "the case must have this line once: " << was;
  const auto begin = text.begin() + static_cast<std::ptrdiff_t>(places[0]);
  const std::string indent = Indent(*begin);
  const auto after = text.erase(begin, begin + static_cast<std::ptrdiff_t>(Split(was).size()));
  Lines lines = Split(now);
  for (std::string& line : lines) line.insert(0, indent);
  text.insert(after, lines.begin(), lines.end());
}

void AddTensor(::onnx::ValueInfoProto& value, const std::string& name, const YAML::Node& shape) {
  static const std::map<std::string, int> kTypes = {{"float", ::onnx::TensorProto::FLOAT},
                                                    {"uint8", ::onnx::TensorProto::UINT8},
                                                    {"int32", ::onnx::TensorProto::INT32}};
  value.set_name(name);
  auto* tensor = value.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(kTypes.at(shape[0].as<std::string>()));
  for (size_t i = 1; i < shape.size(); ++i) {
    auto* dim = tensor->mutable_shape()->add_dim();
    const auto size = shape[i].as<int64_t>();
    size < 0 ? dim->set_dim_param("batch") : dim->set_dim_value(size);
  }
}

// A model with these inputs and outputs. Each output is made by an operator of its own, of no
// meaning.
void WriteModel(const fs::path& path, const YAML::Node& node) {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto* graph = model.mutable_graph();
  graph->set_name("case");
  std::string first;
  for (const auto& input : node["input"]) {
    if (first.empty()) first = input.first.as<std::string>();
    AddTensor(*graph->add_input(), input.first.as<std::string>(), input.second);
  }
  for (const auto& output : node["outputs"]) {
    AddTensor(*graph->add_output(), output.first.as<std::string>(), output.second);
    auto* made = graph->add_node();
    made->set_op_type("Cast");
    made->add_input(first);
    made->add_output(output.first.as<std::string>());
    auto* to = made->add_attribute();
    to->set_name("to");
    to->set_type(::onnx::AttributeProto::INT);
    to->set_i(graph->output(graph->output_size() - 1).type().tensor_type().elem_type());
  }
  std::ofstream(path, std::ios::binary) << model.SerializeAsString();
}

struct Found {
  std::string rule, file, text;
  size_t line = 0;
};

class FaultCase : public ::testing::TestWithParam<Case> {
 protected:
  const YAML::Node& node() const { return GetParam().node; }

  std::map<std::string, Lines> Texts() const {
    std::map<std::string, Lines> texts;
    for (const auto& file : node()["files"])
      texts[file.first.as<std::string>()] = Split(file.second.as<std::string>());
    return texts;
  }

  std::string Target() const {
    const auto target = node()["target"].as<std::string>();
    if (target != "host") return target;  // "host": for the library that was built here
#ifdef __aarch64__
    return "thor-jp7";
#else
    return "dgpu-9.1";
#endif
  }

  std::string Linted() const {
    if (node()["lint"]) return node()["lint"].as<std::string>();
    return node()["files"].begin()->first.as<std::string>();
  }

  // The findings of `edet config lint` for a folder of these files.
  std::vector<Found> Lint(const std::map<std::string, Lines>& texts, const YAML::Node& models) {
    edet::testing::TemporaryDirectory folder;
    for (const auto& [name, lines] : texts) {
      fs::create_directories((folder / name).parent_path());
      std::ofstream(folder / name, std::ios::binary) << Join(lines);
    }
    for (const auto& model : models)
      WriteModel(folder / model.first.as<std::string>(), model.second);
    if (node()["library"]) {
      const fs::path library = folder / node()["library"].as<std::string>();
      fs::create_directories(library.parent_path());
      fs::copy_file(EDET_PARSER_LIBRARY, library);
    }
    return Run(folder.path());
  }

  std::vector<Found> Run(const fs::path& folder) const {
    const std::string command = "cd '" + folder.string() + "' && '" EDET_PROGRAM "' config lint '" +
                                Linted() + "' --target " + Target() + " --json 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return {};
    std::string output;
    std::array<char, 4096> block;
    while (const size_t got = fread(block.data(), 1, block.size(), pipe))
      output.append(block.data(), got);
    const int status = pclose(pipe);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= 1) << output;
    return Parse(output, folder);
  }

  static std::vector<Found> Parse(const std::string& output, const fs::path& folder) {
    const auto json = nlohmann::json::parse(output, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << output;
    std::vector<Found> found;
    if (json.is_discarded()) return found;
    for (const auto& finding : json.at("findings")) {
      fs::path file = finding.value("file", "");
      if (file.is_absolute()) file = file.lexically_relative(folder);
      found.push_back({finding.value("rule", ""), file.lexically_normal().string(), finding.dump(),
                       finding.value("line", size_t{0})});
    }
    return found;
  }
};

std::string Describe(const std::vector<Found>& all) {
  std::string text;
  for (const Found& found : all) text += found.text + "\n";
  return text;
}

// What one row of points_at asks of a finding.
bool Points(const Found& found, const YAML::Node& row, const std::map<std::string, Lines>& texts) {
  const auto file = row["file"].as<std::string>();
  if (found.rule != row["rule"].as<std::string>() || found.file != file) return false;
  if (row["says"] && found.text.find(row["says"].as<std::string>()) == std::string::npos)
    return false;
  const std::string group = row["group"] ? row["group"].as<std::string>() : "";
  const YAML::Node text = row["line"] ? row["line"] : row["near"];
  if (!text) return true;
  const std::vector<size_t> places = FindLines(texts.at(file), text.as<std::string>(), group);
  EXPECT_EQ(places.size(), 1U) << "the case must have this line once: " << text;
  if (places.empty()) return false;
  const size_t line = places[0] + 1;
  if (row["line"]) return found.line == line;
  return found.line + 1 >= line && found.line <= line + 1;
}

TEST_P(FaultCase, IsPointedAtUntilMended) {
  std::map<std::string, Lines> texts = Texts();
  const std::vector<Found> faulty = Lint(texts, node()["models"]);
  std::map<std::pair<std::string, std::string>, size_t> pointed;
  for (const YAML::Node& row : node()["points_at"]) {
    EXPECT_TRUE(std::any_of(faulty.begin(), faulty.end(),
                            [&](const Found& found) { return Points(found, row, texts); }))
        << "nothing points at " << row << "\nFindings:\n"
        << Describe(faulty);
    ++pointed[{row["rule"].as<std::string>(), row["file"].as<std::string>()}];
  }
  for (const auto& file : node()["mended"]) {
    for (const auto& line : file.second) {
      Mend(texts.at(file.first.as<std::string>()), line.first.as<std::string>(),
           line.second.as<std::string>());
    }
  }
  const YAML::Node models = node()["mended_models"] ? node()["mended_models"] : node()["models"];
  const std::vector<Found> mended = Lint(texts, models);
  for (const auto& [what, times] : pointed) {
    const auto count = [&what = what](const std::vector<Found>& all) {
      return std::count_if(all.begin(), all.end(), [&](const Found& found) {
        return found.rule == what.first && found.file == what.second;
      });
    };
    EXPECT_LE(count(mended) + static_cast<std::ptrdiff_t>(times), count(faulty))
        << what.first << " is still there:\n"
        << Describe(mended);
  }
}

INSTANTIATE_TEST_SUITE_P(Public, FaultCase, ::testing::ValuesIn(LoadCases()),
                         [](const auto& info) { return info.param.name; });

// A case without a source would be an invention.
TEST(FaultCases, NameTheirSource) {
  std::set<std::string> sources;
  for (const Case& fault : LoadCases()) {
    const std::string source = fault.node["source"].as<std::string>("");
    EXPECT_EQ(source.rfind("https://", 0), 0U) << fault.name;
    EXPECT_GT(fault.node["points_at"].size(), 0U) << fault.name;
    EXPECT_TRUE(fault.node["mended"] || fault.node["mended_models"]) << fault.name;
    sources.insert(source);
  }
  EXPECT_GE(sources.size(), 40U);
}

}  // namespace
}  // namespace edet
