#include "efficientdet/recognize.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "efficientdet/feature_network.h"

namespace edet::efficientdet {
namespace {

using Stored = std::map<std::string, graph::Shape>;
constexpr int kMostCounted = 64;  // cells, head convolutions and levels beyond are not built anyway

bool HasBelow(const Stored& stored, const std::string& folder) {
  auto at = stored.lower_bound(folder + "/");
  return at != stored.end() && at->first.compare(0, folder.size() + 1, folder + "/") == 0;
}

int CountFolders(const Stored& stored, const std::string& numbered) {
  int count = 0;
  while (count < kMostCounted && HasBelow(stored, numbered + std::to_string(count))) ++count;
  return count;
}

// A dimension as a number that a model can have; 0 if there is none.
int Dimension(const Stored& stored, const std::string& name, size_t rank, size_t axis) {
  auto found = stored.find(name);
  if (found == stored.end() || found->second.size() != rank) return 0;
  int64_t size = found->second[axis];
  return size > 0 && size <= 10'000'000 ? static_cast<int>(size) : 0;
}

bool AnyContains(const Stored& stored, std::string_view part) {
  return std::any_of(stored.begin(), stored.end(), [&](const auto& variable) {
    return variable.first.find(part) != std::string::npos;
  });
}

// "efficientnet-b0" of "efficientnet-b0/stem/conv2d/kernel".
std::string BackboneName(const Stored& stored) {
  constexpr std::string_view kStem = "/stem/conv2d/kernel";
  for (const auto& [name, shape] : stored) {
    if (name.size() > kStem.size() &&
        name.compare(name.size() - kStem.size(), kStem.size(), kStem.data(), kStem.size()) == 0) {
      return name.substr(0, name.size() - kStem.size());
    }
  }
  return "";
}

const Hparams* MemberWith(const std::string& backbone, int filters) {
  const Hparams* found = nullptr;
  for (const Hparams& model : AllModels()) {
    if (model.backbone_name != backbone) continue;
    if (found == nullptr || (model.fpn_num_filters == filters && found->fpn_num_filters != filters))
      found = &model;
  }
  return found;
}

Error NoEfficientDet(std::string what, std::string hint) {
  return {ErrorCode::kUnsupported, std::move(what), "", std::move(hint)};
}

std::optional<Error> Refusal(const Stored& stored, const std::string& backbone) {
  if (AnyContains(stored, "segmentation_head") || AnyContains(stored, "seg_head")) {
    return NoEfficientDet(
        "this is an EfficientDet with a segmentation head, which is not converted",
        "train or export with heads=['object_detection']");
  }
  bool has_heads = HasBelow(stored, "class_net") && HasBelow(stored, "box_net");
  if (has_heads && MemberWith(backbone, 0) != nullptr) return {};
  if (AnyContains(stored, "BoxPredictor") || AnyContains(stored, "FeatureExtractor")) {
    return NoEfficientDet(
        "this is a detector of the TensorFlow Object Detection API, not an AutoML EfficientDet",
        "take a checkpoint of google/automl");
  }
  if (has_heads) {
    return NoEfficientDet("this is an EfficientDet on a backbone that is not known" +
                              (backbone.empty() ? "" : ": " + backbone),
                          "efficientnet-b0 to b7 and efficientnet-lite0 to lite4 are known");
  }
  if (!backbone.empty()) {
    return NoEfficientDet("this is no EfficientDet but the backbone " + backbone +
                              " alone: there is no class_net and no box_net",
                          "take the checkpoint of a detector, efficientdet-*");
  }
  return NoEfficientDet("this is no EfficientDet: none of its " + std::to_string(stored.size()) +
                            " variables is of class_net or box_net" +
                            (stored.empty() ? "" : "; the first is " + stored.begin()->first),
                        "take a checkpoint of google/automl's efficientdet");
}

// Reads one model off its variables, and writes down why.
class Reading {
 public:
  Reading(const Stored& stored, Hparams start) : stored_(stored), h_(std::move(start)) {}
  void ReadAll() {
    ReadConvolutions();
    ReadHeads();
    ReadLevels();
    ReadFeatureNetwork();
    ReadResampling();
  }
  const Hparams& hparams() const { return h_; }
  std::vector<std::string> reasons() const { return reasons_; }

 private:
  void Because(const std::string& option, const std::string& value, const std::string& why) {
    reasons_.push_back(option + " " + value + ": " + why + " (--hparams " + option + "=..)");
  }
  std::string Predict(const char* head) const {
    return std::string(head) +
           (h_.separable_conv ? "-predict/pointwise_kernel" : "-predict/kernel");
  }
  void ReadConvolutions();
  void ReadHeads();
  void ReadAnchors();
  void ReadLevels();
  void ReadFeatureNetwork();
  void ReadFusion();
  void ReadResampling();

  const Stored& stored_;
  Hparams h_;
  std::vector<std::string> reasons_;
};

void Reading::ReadConvolutions() {
  h_.separable_conv = stored_.count("class_net/class-predict/pointwise_kernel") > 0;
  Because("separable_conv", h_.separable_conv ? "true" : "false",
          h_.separable_conv ? "class-predict has a pointwise_kernel"
                            : "class-predict has no pointwise_kernel");
  if (int filters = Dimension(stored_, Predict("class_net/class"), 4, 2); filters > 0) {
    h_.fpn_num_filters = filters;
    Because("fpn_num_filters", std::to_string(filters), "channels that class-predict takes");
  }
}

// Anchors are told as one number: how it splits is a guess.
void Reading::ReadAnchors() {
  int values = Dimension(stored_, "box_net/box-predict/bias", 1, 0);
  int anchors = values % 4 == 0 ? values / 4 : 0;
  if (anchors == 0 || anchors > 48) return;
  if (anchors % static_cast<int>(h_.aspect_ratios.size()) == 0) {
    h_.num_scales = anchors / static_cast<int>(h_.aspect_ratios.size());
  } else if (anchors <= 16) {
    h_.num_scales = anchors;
    h_.aspect_ratios = {1.F};
  } else {
    return;
  }
  reasons_.push_back(std::to_string(anchors) + " anchors a place: box-predict has " +
                     std::to_string(values) + " values, 4 an anchor");
  reasons_.push_back("guessed: num_scales " + std::to_string(h_.num_scales) + " x " +
                     std::to_string(h_.aspect_ratios.size()) +
                     " aspect_ratios (--hparams num_scales=..,aspect_ratios=..)");
}

void Reading::ReadHeads() {
  ReadAnchors();
  int values = Dimension(stored_, "class_net/class-predict/bias", 1, 0);
  int anchors = h_.num_anchors();
  if (values >= anchors && values % anchors == 0 && values / anchors <= 100000) {
    h_.num_classes = values / anchors;
    reasons_.push_back(std::to_string(h_.num_classes) +
                       " classes: class_net/class-predict/bias has " + std::to_string(values) +
                       " values for " + std::to_string(anchors) + " anchors a place");
  }
  int repeats = 0;
  while (repeats < kMostCounted && HasBelow(stored_, "class_net/class-" + std::to_string(repeats)))
    ++repeats;
  h_.box_class_repeats = repeats;
  Because("box_class_repeats", std::to_string(repeats), "convolutions of class_net");
}

void Reading::ReadLevels() {
  int lowest = 0, highest = 0;
  for (int level = 1; level <= kMostCounted; ++level) {
    if (!HasBelow(stored_, "class_net/class-0-bn-" + std::to_string(level))) continue;
    lowest = lowest == 0 ? level : lowest;
    highest = level;
  }
  if (lowest == 0 || highest <= lowest) {
    reasons_.push_back("guessed: levels " + std::to_string(h_.min_level) + " to " +
                       std::to_string(h_.max_level) + " (--hparams min_level=..,max_level=..)");
    return;
  }
  h_.min_level = lowest;
  h_.max_level = highest;
  reasons_.push_back("levels " + std::to_string(lowest) + " to " + std::to_string(highest) +
                     ": class_net has a batch normalisation for each (--hparams "
                     "min_level=..,max_level=..)");
}

void Reading::ReadFusion() {
  auto weight = stored_.find("fpn_cells/cell_0/fnode0/WSM");
  if (weight == stored_.end()) {
    h_.fpn_weight_method = FusionMethod::kSum;
    Because("fpn_weight_method", "sum", "no WSM in fpn_cells");
    return;
  }
  bool scalar = weight->second.empty();
  h_.fpn_weight_method =
      scalar ? FusionMethod::kFastAttention : FusionMethod::kChannelFastAttention;
  reasons_.push_back(
      std::string("guessed: fpn_weight_method ") +
      (scalar ? "fastattn: WSM is a scalar, which attn has too"
              : "channel_fastattn: WSM has a value a channel, which channel_attn has too") +
      " (--hparams fpn_weight_method=..)");
}

void Reading::ReadFeatureNetwork() {
  h_.fpn_cell_repeats = CountFolders(stored_, "fpn_cells/cell_");
  Because("fpn_cell_repeats", std::to_string(h_.fpn_cell_repeats), "cells of fpn_cells");
  if (h_.fpn_cell_repeats == 0) return;
  ReadFusion();
  int nodes = CountFolders(stored_, "fpn_cells/cell_0/fnode");
  int levels = h_.max_level - h_.min_level + 1;
  bool bifpn = nodes == 2 * (levels - 1);
  h_.quad_fpn = !bifpn && levels < 16 &&
                nodes == static_cast<int>(QuFpnNodes(h_.min_level, h_.max_level).size());
  std::string count =
      std::to_string(nodes) + " nodes a cell for " + std::to_string(levels) + " levels";
  if (bifpn || h_.quad_fpn) {
    Because("fpn_name", bifpn ? "bifpn" : "qufpn", count);
  } else {
    Because("fpn_config", "unknown", count + " are neither bifpn nor qufpn");
  }
  std::string combine = "fpn_cells/cell_0/fnode0/op_after_combine" + std::to_string(levels);
  h_.conv_bn_act_pattern = stored_.count(combine + "/conv/bias") == 0;
  Because("conv_bn_act_pattern", h_.conv_bn_act_pattern ? "true" : "false",
          h_.conv_bn_act_pattern ? "op_after_combine has no bias" : "op_after_combine has a bias");
}

void Reading::ReadResampling() {
  bool converts = false, norms = false;
  for (const auto& [name, shape] : stored_) {
    if (name.find("resample_") == std::string::npos) continue;
    converts = converts || name.find("/conv2d/") != std::string::npos;
    norms = norms || name.find("/bn/") != std::string::npos;
  }
  if (!converts) return;
  h_.apply_bn_for_resampling = norms;
  Because("apply_bn_for_resampling", norms ? "true" : "false",
          norms ? "resample_* has bn" : "resample_* has no bn");
}

bool IsMember(const Hparams& h, const Hparams& member) {
  Hparams same = member;
  same.num_classes = h.num_classes;
  return h.num_anchors() == member.num_anchors() && WantedVariables(h) == WantedVariables(same);
}

const char* ActivationName(Activation activation) {
  return activation == Activation::kRelu6 ? "relu6" : "swish";
}

// What no variable tells.
void AddGuesses(const Hparams& h, std::vector<std::string>& reasons) {
  std::string as = " as " + h.model_name;
  reasons.push_back("guessed: image_size " + std::to_string(h.image_width) + "x" +
                    std::to_string(h.image_height) + as + " (--hparams image_size=..)");
  reasons.push_back("guessed: anchor_scale " + std::to_string(static_cast<int>(h.anchor_scale[0])) +
                    as + " (--hparams anchor_scale=..)");
  reasons.push_back(std::string("guessed: act_type ") + ActivationName(h.act_type) + as +
                    " (--hparams act_type=..)");
  reasons.push_back("guessed: mean_rgb and stddev_rgb" + as +
                    " (--hparams mean_rgb=..,stddev_rgb=..)");
  reasons.emplace_back(
      "guessed: no survival_prob, so no residual in the heads (--hparams survival_prob=..)");
  reasons.emplace_back(
      "guessed: conv_after_downsample false (--hparams conv_after_downsample=true)");
}

std::string Verdict(const Recognition& recognition, size_t count) {
  const std::string& name = recognition.hparams.model_name;
  if (!recognition.difference.empty()) {
    return "nearest model " + name + ": " + std::to_string(recognition.difference.size()) + " of " +
           std::to_string(count) + " variables differ";
  }
  return (recognition.family_member ? "model " + name : "a model of its own, built like " + name) +
         ": all " + std::to_string(count) + " variables match by name and shape";
}

}  // namespace

Recognition RecognizeVariables(const std::map<std::string, graph::Shape>& stored) {
  Recognition recognition;
  std::string backbone = BackboneName(stored);
  recognition.refusal = Refusal(stored, backbone);
  if (recognition.refusal) {
    recognition.reasons.push_back(recognition.refusal->what);
    return recognition;
  }
  int filters = std::max(Dimension(stored, "class_net/class-predict/pointwise_kernel", 4, 2),
                         Dimension(stored, "class_net/class-predict/kernel", 4, 2));
  const Hparams& start = *MemberWith(backbone, filters);
  Reading reading(stored, start);
  reading.ReadAll();
  recognition.hparams = reading.hparams();
  const Hparams& h = recognition.hparams;
  recognition.family_member = IsMember(h, start);
  recognition.difference = CompareVariables(stored, h);
  recognition.reasons.push_back(Verdict(recognition, WantedVariables(h).size()));
  if (h.model_name == "efficientdet-d6") {
    recognition.reasons.emplace_back(
        "efficientdet-d7 has the same variables at 1536x1536 and anchor scale 5: say --model d7 if "
        "it is that");
  }
  recognition.reasons.push_back("backbone_name " + backbone + ": the name of the stem");
  for (std::string& reason : reading.reasons()) recognition.reasons.push_back(std::move(reason));
  AddGuesses(h, recognition.reasons);
  return recognition;
}

Recognition RecognizeModel(const checkpoint::Checkpoint& checkpoint) {
  Recognition recognition;
  if (!checkpoint.summary().names_mapped) {
    recognition.refusal = NoEfficientDet(
        "which model this is cannot be told: its variables' names are in the data file",
        "copy the data file beside the .index file");
    recognition.reasons.push_back(recognition.refusal->what);
  } else {
    recognition = RecognizeVariables(StoredVariables(checkpoint));
  }
  if (recognition.refusal) recognition.refusal->where = checkpoint.summary().prefix.string();
  return recognition;
}

std::vector<FamilyDistance> CompareWithFamily(const checkpoint::Checkpoint& checkpoint) {
  Stored stored = StoredVariables(checkpoint);
  std::vector<FamilyDistance> family;
  for (Hparams model : AllModels()) {
    int classes = NumClassesOf(checkpoint, model.num_anchors());
    if (classes > 0) model.num_classes = classes;
    family.push_back({model.model_name, CompareVariables(stored, model)});
  }
  std::stable_sort(family.begin(), family.end(), [](const auto& a, const auto& b) {
    return a.difference.size() < b.difference.size();
  });
  return family;
}

}  // namespace edet::efficientdet
