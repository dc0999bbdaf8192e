#include "testing/config_mutator.h"

#include <cstdlib>
#include <sstream>

namespace edet::testing {

using namespace deepstream;

namespace {

std::string InferYaml() {
  return "property:\n  gie-unique-id: 1\n  network-type: 0\n  network-mode: 2\n"
         "  batch-size: 1\n  num-detected-classes: 3\n  onnx-file: model.onnx\n"
         "  labelfile-path: labels.txt\n  custom-lib-path: ./libnvdsinfer_efficientdet.so\n"
         "  parse-bbox-func-name: NvDsInferParseX\n  net-scale-factor: 0.0039215\n"
         "  offsets: 1;2;3\n  model-color-format: 0\n  infer-dims: 3;512;512\n"
         "  maintain-aspect-ratio: 1\n  cluster-mode: 4\n  output-blob-names: a;b\n"
         "  filter-out-class-ids: 1;2\nclass-attrs-all:\n  pre-cluster-threshold: 0.4\n"
         "  topk: 100\nclass-attrs-1:\n  pre-cluster-threshold: 0.6\n  roi-top-offset: 4\n";
}

std::string AppYaml() {
  return "application:\n  enable-perf-measurement: 1\n  perf-measurement-interval-sec: 5\n"
         "  gie-kitti-output-dir: kitti\nsource:\n  csv-file-path: sources.csv\n"
         "streammux:\n  batch-size: 1\n  width: 1920\n  height: 1080\n"
         "  batched-push-timeout: 40000\n  live-source: 0\nprimary-gie:\n  enable: 1\n"
         "  plugin-type: 0\n  batch-size: 1\n  config-file: config_infer_primary.txt\n"
         "sink0:\n  enable: 1\n  type: 3\n  codec: 1\n  sync: 0\n  output-file: out.mp4\n"
         "osd:\n  enable: 1\n  border-width: 2\ntracker:\n  enable: 0\n"
         "  ll-config-file: labels.txt\ntiled-display:\n  enable: 0\n  rows: 1\n"
         "tests:\n  file-loop: 0\n";
}

const KeyTable& TableOf(ConfigForm form) {
  switch (form) {
    case ConfigForm::kInfer:
      return NvinferKeys();
    case ConfigForm::kApp:
      return DeepstreamAppKeys();
    case ConfigForm::kInferYaml:
      return NvinferYamlKeys();
    case ConfigForm::kAppYaml:
      break;
  }
  return DeepstreamAppYamlKeys();
}

std::vector<std::string> GroupsOf(ConfigForm form) {
  switch (form) {
    case ConfigForm::kInfer:
      return {"property",       "class-attrs-all",    "class-attrs-0",  "class-attrs-2",
              "class-attrs-3",  "class-attrs-999999", "class-attrs-01", "class-attrs-2x",
              "class-attrs--1", "class-attrs-",       "propety",        "other",
              "class-attrs- 1"};
    case ConfigForm::kApp:
      return {"application",
              "source0",
              "source1",
              "source01",
              "sourcex",
              "source",
              "source-list",
              "source-attr-all",
              "sink0",
              "sink1",
              "sinkx",
              "streammux",
              "osd",
              "primary-gie",
              "secondary-gie0",
              "secondary-gie1",
              "tracker",
              "tests",
              "tiled-display",
              "dewarper0",
              "dewarper12",
              "dewarper",
              "img-save",
              "ds-example",
              "replay",
              "message-consumer0",
              "message-converter",
              "pre-process",
              "nvds-analytics",
              "segvisual",
              "unknown"};
    case ConfigForm::kInferYaml:
      return {"property",      "class-attrs-all", "class-attrs-0",  "class-attrs-2",
              "class-attrs-3", "class-attrs-2x",  "class-attrs--1", "class-attrs-",
              "propety",       "class-attrs- 1"};
    case ConfigForm::kAppYaml:
      break;
  }
  return {"application",
          "source",
          "source0",
          "sink0",
          "sink1",
          "sinkx",
          "streammux",
          "osd",
          "primary-gie",
          "secondary-gie0",
          "secondary-gie1",
          "tracker",
          "tests",
          "tiled-display",
          "dewarper0",
          "dewarper",
          "img-save",
          "ds-example",
          "replay",
          "message-consumer0",
          "message-converter",
          "pre-process",
          "nvds-analytics",
          "segvisual",
          "unknown"};
}

bool IsYaml(ConfigForm form) {
  return form == ConfigForm::kInferYaml || form == ConfigForm::kAppYaml;
}

unsigned FromEnvironment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::atoi(text));
}

}  // namespace

unsigned JudgeCases() { return FromEnvironment("EDET_JUDGE_CASES", 120); }
unsigned JudgeSeed() { return FromEnvironment("EDET_JUDGE_SEED", 1); }

ModelFacts JudgedModel(Postprocessing postprocessing, bool nhwc) {
  ModelFacts facts;
  facts.model_name = "efficientdet-d0";
  facts.input_width = 640;
  facts.input_height = 512;
  facts.nhwc = nhwc;
  facts.num_classes = 3;
  facts.postprocessing = postprocessing;
  facts.output_names = {"num_detections", "detection_boxes", "detection_scores",
                        "detection_classes"};
  return facts;
}

std::string JudgeMode(ConfigForm form) {
  return form == ConfigForm::kInfer || form == ConfigForm::kInferYaml ? "infer" : "app";
}

std::string ConfigName(ConfigForm form) {
  return JudgeMode(form) + (IsYaml(form) ? ".yml" : ".txt");
}

std::string BaseConfig(ConfigForm form) {
  if (form == ConfigForm::kInferYaml) return InferYaml();
  if (form == ConfigForm::kAppYaml) return AppYaml();
  const ModelFacts model = JudgedModel(Postprocessing::kPlugin, true);
  if (form == ConfigForm::kInfer)
    return NvinferConfigText(model) +
           "[class-attrs-1]\npre-cluster-threshold=0.6\nroi-top-offset=4\n";
  AppFacts app;
  app.sources = {*SourceFromText("file://near.mp4")};
  return AppConfigText(model, app);
}

std::string SourceTable() {
  return "# sources\nenable,type,uri,num-sources,latency\n1,3,rtsp://h/%d,2,50\n"
         "0,2,file://near.mp4,1,70\n1,4,rtsp://h/x,1,90\n";
}

ConfigMutator::ConfigMutator(ConfigForm form, unsigned seed)
    : random_(seed),
      base_(BaseConfig(form)),
      table_(TableOf(form)),
      groups_(GroupsOf(form)),
      yaml_(IsYaml(form)) {}

std::string ConfigMutator::Next() {
  lines_.clear();
  std::stringstream stream(base_);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.front() != '#') lines_.push_back(line);
  }
  const size_t steps = 1 + Below(4);
  for (size_t i = 0; i < steps; ++i) Step();
  std::string text;
  for (const std::string& line : lines_) text += line + "\n";
  if (Below(40) == 0) DamageBytes(text);
  return text;
}

std::string ConfigMutator::Value() {
  static const std::vector<std::string> values{"",
                                               "0",
                                               "1",
                                               "2",
                                               "3",
                                               "4",
                                               "5",
                                               "6",
                                               "7",
                                               "-1",
                                               "-2",
                                               "100",
                                               "1024",
                                               "1025",
                                               "1 # c",
                                               "1# c",
                                               "1.0",
                                               "0x10",
                                               "1;2",
                                               "1;2;3",
                                               "3;512;512",
                                               "3;512;512;1",
                                               "3;8;8;5",
                                               "0.5",
                                               "-0.5",
                                               "0.5f",
                                               "0,5",
                                               "0.5 # c",
                                               "1e-60",
                                               "-1e-60",
                                               "1.00000001",
                                               "true",
                                               "false",
                                               "TRUE",
                                               "yes",
                                               "nan",
                                               "inf",
                                               "-inf",
                                               "1e400",
                                               "99999999999",
                                               "2147483647",
                                               "model.onnx",
                                               "missing.onnx",
                                               "/opt/none/such/file",
                                               "../x",
                                               "./labels.txt",
                                               "labels.txt",
                                               "labels.txt/sub",
                                               "\\q",
                                               "\\s x",
                                               "\\tx",
                                               "a b",
                                               "\xff",
                                               "\xc3\xa4",
                                               "0.3;0.3;0.3;1",
                                               "0;0;0;",
                                               "1;a;2",
                                               ";;",
                                               "file://a.mp4",
                                               "file:///a.mp4",
                                               "rtsp://h/x",
                                               "usb:0",
                                               "csi:1",
                                               "usb:x",
                                               "file://%d.mp4",
                                               "5;",
                                               "0;2",
                                               "\"quoted\"",
                                               "x # c",
                                               "/",
                                               "x;y",
                                               "a\\;b;c"};
  static const std::vector<std::string> yaml_values{
      "~",  "''",     "\"1;2\"", "[1, 2]", "{a: 1}", "010",          "+1",     " 1",
      "1x", "1.5;2x", ".inf",    ".nan",   "- 1",    "'quoted # x'", "1  # c", "!!int 1"};
  return yaml_ && Below(4) == 0 ? Pick(yaml_values) : Pick(values);
}

std::string ConfigMutator::KeyLine(const std::string& key, const std::string& value) const {
  return yaml_ ? "  " + key + ": " + value : key + "=" + value;
}

std::string ConfigMutator::TypedValue(const KeySpec& spec) {
  static const std::vector<std::string> integers{"0", "1", "2", "3", "4", "5", "10", "-1"},
      doubles{"0", "0.25", "0.5", "1", "-1", "2"};
  if (spec.type == ValueType::kBoolean) return Below(2) == 0 ? "0" : "1";
  if (spec.type == ValueType::kInteger || spec.type == ValueType::kUint64) return Pick(integers);
  if (spec.type == ValueType::kDouble) return Pick(doubles);
  if (spec.type == ValueType::kIntegerList)
    return Pick(integers) + ";" + Pick(integers) + ";" + Pick(integers);
  if (spec.type == ValueType::kDoubleList) return "0.1;0.2;0.3;" + Pick(doubles);
  return Value();
}

std::string ConfigMutator::Header(const std::string& name) const {
  return yaml_ ? name + ":" : "[" + name + "]";
}
void ConfigMutator::AddKey() {
  const GroupSpec& group = Pick(table_.groups);
  const KeySpec& spec = Pick(group.keys);
  // The judge stands for x86: these two are read otherwise on a Jetson.
  if (spec.key == "scaling-compute-hw" || spec.key == "copy-hw") return;
  const std::string line = KeyLine(spec.key, Below(3) == 0 ? Value() : TypedValue(spec));
  size_t place = 1 + Line();
  const std::string header =
      (yaml_ ? "" : "[") + group.name;  // often into a group that has the key
  for (size_t i = 0; i < lines_.size() && Below(4) != 0; ++i) {
    if (lines_[i].compare(0, header.size(), header) == 0) place = i + 1;
  }
  lines_.insert(lines_.begin() + std::min(place, lines_.size()), line);
}

void ConfigMutator::Misspell(std::string& line) {
  if (line.empty()) return;
  const size_t at =
      Below(std::min<size_t>(line.size(), line.find(Separator()) + 1) + 1) % line.size();
  switch (Below(3)) {
    case 0:
      line.erase(at, 1);
      break;
    case 1:
      line.insert(at, 1, "abcxyz-_= 1"[Below(11)]);
      break;
    default:
      line[at] = "abcxyz-_=# []1"[Below(14)];
  }
}

void ConfigMutator::Step() {
  if (lines_.empty()) lines_.push_back(Header("property"));
  std::string& line = lines_[Line()];
  const size_t equals = line.find(Separator());
  switch (Below(14)) {
    case 0:
    case 1:
    case 2:
      if (equals != std::string::npos)
        line = line.substr(0, equals + 1) + (yaml_ ? " " : "") + Value();
      break;
    case 3:
    case 4:
    case 5:
    case 6:
      AddKey();
      break;
    case 7:
      lines_.erase(lines_.begin() + Line());
      break;
    case 8:
      lines_.insert(lines_.begin() + Line(), std::string(lines_[Line()]));
      break;
    case 9:
      lines_.insert(lines_.begin() + Line(), Group());
      break;
    case 10:
      if (Below(2) == 0)
        Misspell(line);
      else
        std::swap(line, lines_[Line()]);
      break;
    case 11:
      line += Pick(std::vector<std::string>{" # comment", "\r", "  ", ";", "#"});
      break;
    case 12:
      lines_.insert(lines_.begin() + Line(),
                    Pick(std::vector<std::string>{"; comment", "# comment", "", "  ", "word", "=1",
                                                  " a = b "}));
      break;
    default:
      lines_.push_back(Group());
      AddKey();
      break;
  }
}

void ConfigMutator::DamageBytes(std::string& text) {
  switch (Below(4)) {
    case 0:
      text.insert(0, "\xEF\xBB\xBF");
      break;
    case 1:
      text.insert(Below(text.size() + 1), 1, '\0');
      break;
    case 2:
      text.insert(Below(text.size() + 1), "\xfe\xff");
      break;
    default:
      text += KeyLine("long", std::string(100000, 'x')) + "\n";
  }
}

}  // namespace edet::testing
