#include "compare/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "compare/network.h"
#include "compare/run.h"

namespace edet::compare {
namespace fs = std::filesystem;
namespace {

// Of detections: one row a box.
const std::unordered_set<std::string>& RowNames() {
  static const std::unordered_set<std::string> names = {"num_detections", "detection_boxes",
                                                        "detection_scores", "detection_classes"};
  return names;
}

class Comparer {
 public:
  Comparer(const Network& a, const Network& b, const CompareOptions& options)
      : a_(a), b_(b), options_(options) {}

  Result<Comparison> Run() {
    EDET_RETURN_IF_ERROR(ChooseSize());
    EDET_ASSIGN_OR_RETURN(picture_, MakePicture(options_.picture, result_.height, result_.width));
    RoundForIntegers();
    EDET_ASSIGN_OR_RETURN(Outputs of_a, RunWhole(a_));
    EDET_ASSIGN_OR_RETURN(Outputs of_b, RunWhole(b_));
    MatchOutputs(of_a, of_b);
    CompareDetections(of_a, of_b);
    if (result_.tensors.empty() && !result_.detections)
      return Error{ErrorCode::kUnsupported, "the models have no output in common",
                   a_.path.string() + " and " + b_.path.string(),
                   "edet inspect shows their outputs"};
    if (!result_.good()) EDET_RETURN_IF_ERROR(Bisect());
    return std::move(result_);
  }

 private:
  Status ChooseSize() {
    bool known_a = a_.height > 0 && a_.width > 0, known_b = b_.height > 0 && b_.width > 0;
    const Network& known = known_a ? a_ : b_;
    if (!known_a && !known_b)
      return Error{ErrorCode::kUnsupported, "both models take pictures of any size",
                   a_.path.string(), "edet repair --size WIDTHxHEIGHT fixes one"};
    bool other = known_a && known_b && (a_.height != b_.height || a_.width != b_.width);
    if (other)
      return Error{ErrorCode::kUnsupported,
                   fmt::format("the models take pictures of different sizes, {}x{} and {}x{}",
                               a_.width, a_.height, b_.width, b_.height),
                   a_.path.string() + " and " + b_.path.string(), ""};
    result_.height = known.height;
    result_.width = known.width;
    return {};
  }

  void RoundForIntegers() {
    if ((!a_.integer_input && !b_.integer_input) || picture_.whole()) return;
    picture_.Round();
    result_.notes.emplace_back(
        "the picture is rounded to whole numbers for both: one of them takes no others");
  }

  ProbeRun Probe(const Network& network) const {
    ProbeRun run;
    run.onnx = network.path;
    run.folder = options_.folder;
    run.input = network.input;
    run.channels_last = network.channels_last;
    return run;
  }

  // With its heads as outputs; they alone where its own outputs cannot be computed here.
  Result<Outputs> RunWhole(const Network& network) {
    ProbeRun run = Probe(network);
    for (const auto& [meaning, name] : network.heads) run.tensors.push_back(name);
    Result<Outputs> outputs = RunProbe(run, picture_);
    if (outputs.ok() || run.tensors.empty()) return outputs;
    result_.notes.push_back(network.path.string() + ": its own outputs cannot be computed here (" +
                            outputs.error().what + "): compared up to the heads");
    run.only_these = true;
    return RunProbe(run, picture_);
  }

  void AddTensor(const std::string& name, const std::string& of_a, const std::string& of_b,
                 const TensorValues& a, const TensorValues& b, bool judged) {
    TensorReport report{name, of_a, of_b, a.shape, b.shape, Measure(a, b), 0., judged};
    report.allowed = Allowed(report.difference, options_.tolerance);
    result_.tensors.push_back(std::move(report));
  }

  void MatchOutputs(const Outputs& of_a, const Outputs& of_b) {
    std::unordered_set<std::string> done;
    for (const auto& [meaning, name] : a_.heads) {
      auto partner = b_.heads.find(meaning);
      if (partner == b_.heads.end()) continue;
      auto x = of_a.find(name), y = of_b.find(partner->second);
      if (x == of_a.end() || y == of_b.end()) continue;
      AddTensor(meaning, name, partner->second, x->second, y->second, true);
      done.insert(name);
    }
    bool rows = DetectionsOf(of_a).has_value() && DetectionsOf(of_b).has_value();
    for (const auto& [name, x] : of_a) {
      auto y = of_b.find(name);
      if (y == of_b.end() || done.count(name) == 1) continue;
      bool row = RowNames().count(name) == 1 || (x.shape.size() == 3 && x.shape[2] == 7);
      AddTensor(name, name, name, x, y->second, !(rows && row));
    }
  }

  void CompareDetections(const Outputs& of_a, const Outputs& of_b) {
    std::optional<Detections> a = DetectionsOf(of_a), b = DetectionsOf(of_b);
    if (!a || !b) return;
    result_.detections = MatchDetections(*a, *b, options_.iou);
    result_.detections_good =
        result_.detections->complete() && result_.detections->largest_score() <= options_.tolerance;
    result_.detections_a = std::move(*a);
    result_.detections_b = std::move(*b);
  }

  // The tensors of some pairs on both sides.
  Result<std::vector<std::optional<Difference>>> MeasureBoth(const std::vector<TensorPair>& pairs) {
    ProbeRun run_a = Probe(a_), run_b = Probe(b_);
    run_a.only_these = run_b.only_these = true;
    for (const TensorPair& pair : pairs) {
      run_a.tensors.push_back(pair.a);
      run_b.tensors.push_back(pair.b);
    }
    EDET_ASSIGN_OR_RETURN(Outputs of_a, RunProbe(run_a, picture_));
    EDET_ASSIGN_OR_RETURN(Outputs of_b, RunProbe(run_b, picture_));
    std::vector<std::optional<Difference>> differences;
    for (const TensorPair& pair : pairs) {
      auto x = of_a.find(pair.a), y = of_b.find(pair.b);
      bool there =
          x != of_a.end() && y != of_b.end() && x->second.values.size() == y->second.values.size();
      differences.emplace_back();
      if (there) differences.back() = Measure(x->second, y->second);
    }
    return differences;
  }

  Status Bisect() {
    std::vector<std::string> parted;
    for (const TensorReport& tensor : result_.tensors)
      if (tensor.judged && !tensor.good()) parted.push_back(tensor.a);
    bool heads_agree =
        parted.empty() && std::any_of(result_.tensors.begin(), result_.tensors.end(),
                                      [](const TensorReport& t) { return t.judged; });
    if (heads_agree) {
      result_.parting.emplace();
      result_.parting->note =
          "the heads agree: they part in the post-processing (thresholds, semantics or limits)";
      return {};
    }
    result_.pairing = PairTensors(a_, b_);
    EDET_ASSIGN_OR_RETURN(
        result_.parting,
        FindParting(a_, result_.pairing.pairs, parted, options_.tolerance,
                    [this](const std::vector<TensorPair>& pairs) { return MeasureBoth(pairs); }));
    return {};
  }

  const Network &a_, &b_;
  const CompareOptions& options_;
  Picture picture_;
  Comparison result_;
};

}  // namespace

bool Comparison::good() const {
  return detections_good && std::all_of(tensors.begin(), tensors.end(), [](const TensorReport& t) {
           return !t.judged || t.good();
         });
}

double Allowed(const Difference& difference, double tolerance) {
  return tolerance * std::max(1., difference.largest);
}

Result<Comparison> CompareNetworks(const fs::path& a, const fs::path& b,
                                   const CompareOptions& options) {
  EDET_ASSIGN_OR_RETURN(Network first, ReadNetwork(a));
  EDET_ASSIGN_OR_RETURN(Network second, ReadNetwork(b));
  for (const Network* network : {&first, &second})
    if (!network->why_not.empty() && network->height <= 0)
      return Error{ErrorCode::kUnsupported, network->why_not, network->path.string(), ""};
  return Comparer(first, second, options).Run();
}

}  // namespace edet::compare
