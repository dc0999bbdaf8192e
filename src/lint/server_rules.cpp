#include "lint/server_rules.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <regex>

#include "base/nearest.h"
#include "deepstream/device_path.h"
#include "lint/label_rules.h"
#include "nvinferserver.pb.h"

namespace edet::lint {
namespace {

namespace protobuf = google::protobuf;

void CollectNames(const protobuf::Descriptor& message, std::vector<std::string>& names) {
  for (int i = 0; i < message.field_count(); ++i) {
    names.push_back(message.field(i)->name());
    const protobuf::Descriptor* inner = message.field(i)->message_type();
    if (inner != nullptr) CollectNames(*inner, names);
  }
}

// Protobuf's complaints, as findings. A field that is not there is told as a warning: reading goes
// on, so that all of them are found.
class Complaints : public protobuf::io::ErrorCollector {
 public:
  Complaints(const std::filesystem::path& path, Report& report) : path_(path), report_(report) {}

  void AddError(int line, int column, const std::string& message) override {
    report_.Add("server-syntax", At(line, column), message);
  }
  void AddWarning(int line, int column, const std::string& message) override {
    static const std::regex form("no field named \"([^\"]*)\"");
    std::smatch name;
    std::vector<std::string> near;
    if (std::regex_search(message, name, form)) {
      std::vector<std::string> names;
      CollectNames(*server::Config::descriptor(), names);
      near = NearestNames(name[1].str(), names, 1);
    }
    // Places of unknown fields are those of the token behind the name.
    report_.Add("server-unknown-field", At(line, column),
                name.empty() ? message : fmt::format("there is no field '{}' here", name[1].str()),
                near.empty() || near.front() == name[1].str()
                    ? ""
                    : fmt::format("did you mean {}?", near.front()));
  }

 private:
  Place At(int line, int column) const {
    return {path_,
            static_cast<size_t>(line < 0 ? 0 : line) + 1,
            static_cast<size_t>(column < 0 ? 0 : column) + 1,
            0,
            "",
            ""};
  }

  const std::filesystem::path& path_;
  Report& report_;
};

using Tree = protobuf::TextFormat::ParseInfoTree;

class ServerChecker {
 public:
  ServerChecker(const std::filesystem::path& path, const server::Config& config, const Tree& tree,
                Report& report)
      : path_(path), config_(config), tree_(tree), report_(report) {}

  void Check() {
    const server::Inference& infer = config_.infer_config();
    if (infer.max_batch_size() == 0) {
      report_.Add("server-no-batch", At({"infer_config", "max_batch_size"}),
                  "max_batch_size is 0 or absent");
    }
    CheckBackend(infer.backend());
    if (infer.has_preprocess() && infer.preprocess().has_normalize() &&
        infer.preprocess().normalize().scale_factor() == 0.F) {
      report_.Add("server-scale-zero",
                  At({"infer_config", "preprocess", "normalize", "scale_factor"}),
                  "normalize has no scale_factor: it is 0");
    }
    if (infer.postprocess().has_detection()) CheckDetection(infer.postprocess().detection());
    CheckPath(infer.custom_lib().path(), At({"infer_config", "custom_lib", "path"}));
    CheckLabelFile();
  }

 private:
  // The place of a field, or of the innermost message around it that is there.
  Place At(const std::vector<std::string>& names) const {
    Place place{path_, 1, 1, 0, "", names.back()};
    const Tree* tree = &tree_;
    const protobuf::Descriptor* message = server::Config::descriptor();
    for (const std::string& name : names) {
      const protobuf::FieldDescriptor* field =
          message == nullptr ? nullptr : message->FindFieldByName(name);
      if (field == nullptr || tree == nullptr) break;
      const protobuf::TextFormat::ParseLocation location =
          tree->GetLocation(field, field->is_repeated() ? 0 : -1);
      if (location.line < 0) break;
      place.line = static_cast<size_t>(location.line) + 1;
      place.column = static_cast<size_t>(location.column) + 1;
      message = field->message_type();
      tree = message == nullptr ? nullptr
                                : tree->GetTreeForNested(field, field->is_repeated() ? 0 : -1);
    }
    return place;
  }

  void CheckBackend(const server::Backend& backend) {
    if (backend.has_trt_is()) {
      report_.Add("server-plugin-type", At({"infer_config", "backend", "trt_is"}),
                  "trt_is is the old name of triton");
    }
    const bool old = backend.has_trt_is();
    const server::Triton& triton = old ? backend.trt_is() : backend.triton();
    const std::vector<std::string> place{"infer_config", "backend", old ? "trt_is" : "triton"};
    if (triton.model_name().empty()) {
      report_.Add("server-no-model", At(place), "model_name is not given");
    } else if (!triton.has_model_repo() && !triton.has_grpc()) {
      report_.Add("server-no-model", At(place), "neither model_repo nor grpc is given");
    }
    for (const std::string& root : triton.model_repo().root()) {
      std::vector<std::string> at = place;
      at.insert(at.end(), {"model_repo", "root"});
      CheckFolder(root, At(at));
    }
  }

  void CheckFolder(const std::string& text, Place place) {
    Result<std::string> path = deepstream::ResolveNvinferPath(path_, text);
    std::error_code ignored;
    const bool there = path.ok() && std::filesystem::is_directory(*path, ignored);
    CheckExists({path.ok() ? *path : text, there}, std::move(place), text, report_);
  }

  void CheckPath(const std::string& text, Place place) {
    if (text.empty()) return;
    Result<std::string> path = deepstream::ResolveNvinferPath(path_, text);
    std::error_code ignored;
    const bool there = path.ok() && std::filesystem::is_regular_file(*path, ignored);
    CheckExists({path.ok() ? *path : text, there}, std::move(place), text, report_);
  }

  void CheckDetection(const server::Detection& detection) {
    const std::vector<std::string> place{"infer_config", "postprocess", "detection"};
    const auto at = [&](const char* field) {
      std::vector<std::string> names = place;
      names.emplace_back(field);
      return At(names);
    };
    if (detection.num_detected_classes() <= 0) {
      report_.Add("server-no-classes", at("num_detected_classes"),
                  "num_detected_classes is 0 or absent");
    }
    const bool library = !config_.infer_config().custom_lib().path().empty();
    const bool function = !detection.custom_parse_bbox_func().empty();
    if (library != function && !(library && config_.infer_config().has_extra())) {
      report_.Add(
          "server-parser-incomplete",
          library ? At({"infer_config", "custom_lib", "path"}) : at("custom_parse_bbox_func"),
          library ? "custom_lib without custom_parse_bbox_func"
                  : "custom_parse_bbox_func without custom_lib");
    }
    if (detection.clustering_policy_case() == server::Detection::CLUSTERING_POLICY_NOT_SET)
      report_.Add("server-no-clustering", At(place), "no clustering is chosen");
    for (const auto& [index, params] : detection.per_class_params()) {
      if (index >= 0 && index < detection.num_detected_classes()) continue;
      report_.Add("server-class-beyond", at("per_class_params"),
                  fmt::format("there is no class {}: num_detected_classes is {}", index,
                              detection.num_detected_classes()));
    }
  }

  void CheckLabelFile() {
    const server::Postprocess& post = config_.infer_config().postprocess();
    const std::string& text = post.labelfile_path();
    const Place place = At({"infer_config", "postprocess", "labelfile_path"});
    CheckPath(text, place);
    Result<std::string> path = deepstream::ResolveNvinferPath(path_, text);
    std::error_code ignored;
    if (text.empty() || !path.ok() || !std::filesystem::is_regular_file(*path, ignored)) return;
    const std::optional<size_t> labels = CheckLabels(*path, !post.has_detection(), report_);
    const int classes = post.detection().num_detected_classes();
    if (!labels || classes <= 0 || *labels == static_cast<size_t>(classes)) return;
    report_.Add("label-count", place, fmt::format("{} labels for {} classes", *labels, classes));
  }

  const std::filesystem::path& path_;
  const server::Config& config_;
  const Tree& tree_;
  Report& report_;
};

}  // namespace

void CheckServer(const std::filesystem::path& path, const std::string& text,
                 ReferencedFiles& /*files*/, Report& report) {
  server::Config config;
  Tree tree;
  Complaints complaints(path, report);
  protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&complaints);
  parser.WriteLocationsTo(&tree);
  parser.AllowUnknownField(true);
  parser.AllowPartialMessage(true);
  if (parser.ParseFromString(text, &config)) ServerChecker(path, config, tree, report).Check();
}

}  // namespace edet::lint
