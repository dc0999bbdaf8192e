#include "deepstream/nvinfer_config.h"

#include <fmt/format.h>
#include <glib.h>

#include "base/nearest.h"
#include "deepstream/device_path.h"
#include "deepstream/key_file.h"
#include "deepstream/yaml_values.h"

namespace edet::deepstream {
namespace {

constexpr const char* kProperty = "property";
constexpr const char* kClassPrefix = "class-attrs-";
// nvinfer has no limit: it dies of lack of memory instead.
constexpr unsigned kMaxClasses = 1000000;

void TakeProperties(GroupValues& values, NvinferConfig& config) {
  values.Take("gie-unique-id", config.gie_unique_id);
  values.Take("gpu-id", config.gpu_id);
  values.Take("batch-size", config.batch_size);
  values.Take("process-mode", config.process_mode);
  values.Take("interval", config.interval);
  values.Take("network-type", config.network_type);
  values.Take("network-mode", config.network_mode);
  values.Take("num-detected-classes", config.num_detected_classes);
  values.Take("parse-bbox-func-name", config.parse_bbox_func_name);
  values.Take("output-blob-names", config.output_blob_names);
  values.Take("output-tensor-meta", config.output_tensor_meta);
}

void TakeFiles(GroupValues& values, NvinferConfig& config) {
  values.Take("onnx-file", config.onnx_file);
  values.Take("model-engine-file", config.model_engine_file);
  values.Take("labelfile-path", config.labelfile_path);
  values.Take("custom-lib-path", config.custom_lib_path);
  values.Take("int8-calib-file", config.int8_calib_file);
}

void TakePreprocessing(GroupValues& values, NvinferConfig& config) {
  values.Take("net-scale-factor", config.net_scale_factor);
  // The context keeps its own 1 unless the factor is positive.
  if (!(config.net_scale_factor > 0.F)) config.net_scale_factor = 1.F;
  values.Take("offsets", config.offsets);
  values.Take("model-color-format", config.model_color_format);
  values.Take("network-input-order", config.network_input_order);
  values.Take("maintain-aspect-ratio", config.maintain_aspect_ratio);
  values.Take("symmetric-padding", config.symmetric_padding);
  values.Take("scaling-filter", config.scaling_filter);
}

Status TakeInferDims(const KeyFile& file, GroupValues& values, NvinferConfig& config) {
  for (const char* key :
       {"input-dims", "uff-input-dims"}) {  // older names, with the order as a fourth number
    std::vector<int> dims;
    values.Take(key, dims);
    if (dims.empty()) continue;
    if (dims[3] < 0 || dims[3] > 2) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("DeepStream refuses the value: input order {}", dims[3]),
                   file.Where(kProperty, key),
                   "the fourth number is 0, 1 or 2; better use infer-dims=C;H;W"};
    }
    config.infer_dims = std::vector<uint32_t>(dims.begin(), dims.begin() + 3);
  }
  std::vector<uint32_t> dims;
  values.Take("infer-dims", dims);
  if (!dims.empty()) config.infer_dims = dims;
  return {};
}

// Takes the place that network-type had before it was a number.
void TakeLegacyType(const KeyFile& file, GroupValues& values, NvinferConfig& config) {
  bool classifier = false;
  values.Take("is-classifier", classifier);
  if (!file.HasKey(kProperty, "network-type")) config.network_type = classifier ? 1 : 0;
}

void TakePostprocessing(GroupValues& values, NvinferConfig& config) {
  bool dbscan = false;
  values.Take("enable-dbscan", dbscan);
  if (dbscan) config.postprocess.cluster_mode = detect::ClusterMode::kDbscan;
  values.Take("cluster-mode", config.postprocess.cluster_mode);
  std::vector<int> filtered;
  values.Take("filter-out-class-ids", filtered);
  for (int id : filtered) config.postprocess.filter_out_class_ids.insert(static_cast<unsigned>(id));
  values.Take("crop-objects-to-roi-boundary", config.postprocess.crop_objects_to_roi_boundary);
}

void TakeClassAttributes(GroupValues& values, detect::ClassAttributes& attributes) {
  values.Take("threshold", attributes.pre_cluster_threshold);
  values.Take("pre-cluster-threshold", attributes.pre_cluster_threshold);
  values.Take("post-cluster-threshold", attributes.post_cluster_threshold);
  values.Take("nms-iou-threshold", attributes.nms_iou_threshold);
  values.Take("eps", attributes.eps);
  values.Take("dbscan-min-score", attributes.dbscan_min_score);
  values.Take("group-threshold", attributes.group_threshold);
  values.Take("minBoxes", attributes.min_boxes);
  values.Take("topk", attributes.top_k);
  values.Take("roi-top-offset", attributes.roi_top_offset);
  values.Take("roi-bottom-offset", attributes.roi_bottom_offset);
  values.Take("detected-min-w", attributes.detected_min_width);
  values.Take("detected-min-h", attributes.detected_min_height);
  values.Take("detected-max-w", attributes.detected_max_width);
  values.Take("detected-max-h", attributes.detected_max_height);
}

// Both names of the threshold may be there: the later one in the file wins.
void PreferLaterThreshold(const KeyFile& file, const std::string& group, GroupValues& values,
                          detect::ClassAttributes& attributes) {
  for (const std::string& key : file.Keys(group)) {
    if (key == "threshold" || key == "pre-cluster-threshold")
      values.Take(key, attributes.pre_cluster_threshold);
  }
}

class Reader {
 public:
  Reader(const KeyFile& file, Findings& findings)
      : file_(file),
        table_(file.is_yaml() ? NvinferYamlKeys() : NvinferKeys()),
        findings_(findings) {
    config_.file = file.path();
    resolve_ = [&file](const KeySpec&, const std::string& text) {
      return ResolveNvinferPath(file.path(), text);
    };
  }

  Result<NvinferConfig> Read() {
    if (!file_.HasGroup(kProperty)) {
      return Error{ErrorCode::kCorrupt, "there is no group [property]", file_.path().string(),
                   "is this an nvinfer configuration?"};
    }
    EDET_RETURN_IF_ERROR(ReadProperties());
    if (config_.network_type == 0 || config_.network_type == 3)
      EDET_RETURN_IF_ERROR(ReadAllClasses());
    ReportUnknownGroups();
    return std::move(config_);
  }

 private:
  Status ReadProperties() {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadGroup(file_, kProperty, *table_.Find(kProperty),
                                                        resolve_, findings_));
    TakeProperties(values, config_);
    TakeLegacyType(file_, values, config_);
    TakeFiles(values, config_);
    TakePreprocessing(values, config_);
    EDET_RETURN_IF_ERROR(TakeInferDims(file_, values, config_));
    TakePostprocessing(values, config_);
    NoteOthers(kProperty, values);
    return {};
  }

  Status ReadAllClasses() {
    if (config_.num_detected_classes > kMaxClasses) {
      return Error{
          ErrorCode::kLimitExceeded,
          fmt::format("{} classes; at most {} are read", config_.num_detected_classes, kMaxClasses),
          file_.Where(kProperty, "num-detected-classes"), "DeepStream would run out of memory"};
    }
    detect::ClassAttributes all;
    const std::string all_group = std::string(kClassPrefix) + "all";
    if (file_.HasGroup(all_group)) EDET_RETURN_IF_ERROR(ReadClass(all_group, all));
    config_.postprocess.classes.assign(config_.num_detected_classes, all);
    for (const std::string& group : file_.Groups()) {
      if (group == all_group ||
          group.compare(0, std::string(kClassPrefix).size(), kClassPrefix) != 0)
        continue;
      EDET_ASSIGN_OR_RETURN(const uint64_t index, ClassIndex(group));
      EDET_RETURN_IF_ERROR(ReadClass(group, config_.postprocess.classes[index]));
    }
    return {};
  }

  // The number as nvinfer takes it: leading blanks and anything after the digits are ignored.
  Result<uint64_t> ClassIndex(const std::string& group) const {
    const char* text = group.c_str() + std::string(kClassPrefix).size();
    if (file_.is_yaml()) return YamlClassIndex(group, text);
    char* end = nullptr;
    const uint64_t index = g_ascii_strtoull(text, &end, 10);
    if (index == 0 && end == text) {
      return Error{ErrorCode::kCorrupt, "a group of class attributes needs a class number or 'all'",
                   file_.Where(group), ""};
    }
    if (static_cast<int>(index) < 0 || index >= config_.num_detected_classes) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("there is no class {}: num-detected-classes is {}", text,
                               config_.num_detected_classes),
                   file_.Where(group), "DeepStream refuses the whole file; classes count from 0"};
    }
    return index;
  }

  // As ClassIndex, but the number is an int.
  Result<uint64_t> YamlClassIndex(const std::string& group, const std::string& text) const {
    const Result<KeyFile::Value> index = TextValue(text, YamlForm::kTextInt);
    const int number = index.ok() ? std::get<int>(*index) : -1;
    if (number >= 0 && static_cast<unsigned>(number) < config_.num_detected_classes)
      return static_cast<uint64_t>(number);
    return Error{ErrorCode::kCorrupt,
                 fmt::format("there is no class '{}': num-detected-classes is {}", text,
                             config_.num_detected_classes),
                 file_.Where(group), "DeepStream refuses the whole file; classes count from 0"};
  }

  Status ReadClass(const std::string& group, detect::ClassAttributes& attributes) {
    EDET_ASSIGN_OR_RETURN(GroupValues values,
                          ReadGroup(file_, group, *table_.Find(group), resolve_, findings_));
    TakeClassAttributes(values, attributes);
    PreferLaterThreshold(file_, group, values, attributes);
    NoteOthers(group, values);
    if (file_.HasKey(group, "topk") && attributes.top_k == 0) {
      findings_.Warn("topk-zero", "topk=0 drops every object", file_.Where(group, "topk"),
                     "leave it out for no limit");
    }
    return {};
  }

  void NoteOthers(const std::string& group, const GroupValues& values) {
    for (const std::string& key : values.NotTaken()) {
      config_.other_keys.push_back(fmt::format("{}/{}", group, key));
    }
  }

  void ReportUnknownGroups() {
    for (const std::string& group : file_.Groups()) {
      if (table_.Find(group) != nullptr) continue;
      const std::vector<std::string> near =
          NearestNames(group, {kProperty, "class-attrs-all", "class-attrs-0"});
      findings_.Warn("unknown-group", fmt::format("nothing reads the group [{}]", group),
                     file_.Where(group),
                     near.empty() ? "" : fmt::format("did you mean [{}]?", near.front()));
    }
  }

  const KeyFile& file_;
  const KeyTable& table_;
  Findings& findings_;
  PathResolver resolve_;
  NvinferConfig config_;
};

}  // namespace

Result<NvinferConfig> ReadNvinferConfig(const std::filesystem::path& path, Findings& findings) {
  EDET_ASSIGN_OR_RETURN(const KeyFile file, KeyFile::Load(path, findings));
  return Reader(file, findings).Read();
}

}  // namespace edet::deepstream
