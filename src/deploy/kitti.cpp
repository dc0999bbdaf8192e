#include "deploy/kitti.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <locale>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"

namespace edet::deploy {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMostFileBytes = uint64_t{1} << 20;
constexpr size_t kMostFrames = 1000000;
constexpr size_t kMostObjects = 10000;  // of a frame
// Fields behind the label: three constants, the box, seven constants; then the score, if any.
constexpr size_t kFields = 14;

bool ToNumber(const std::string& word, double& value) {
  std::istringstream stream(word);
  stream.imbue(std::locale::classic());
  return (stream >> value) && stream.peek() == EOF && std::isfinite(value);
}

// A label may end in a number: the three constants behind it tell where it ends.
size_t LabelWords(const std::vector<std::string>& words) {
  for (const size_t fields : {kFields + 1, kFields}) {
    if (words.size() <= fields) continue;
    const size_t at = words.size() - fields;
    if (words[at] == "0.0" && words[at + 1] == "0" && words[at + 2] == "0.0") return at;
  }
  return 0;
}

bool ParseObject(const std::string& line, KittiObject& object) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  const size_t label = LabelWords(words);
  if (label == 0) return false;
  for (size_t i = 0; i < label; ++i) object.label += (i > 0 ? " " : "") + words[i];
  if (words.size() == label + kFields + 1 && !ToNumber(words.back(), object.score)) return false;
  const size_t box = label + 3;
  for (size_t i = box + 4; i < label + kFields; ++i) {
    if (words[i] != "0.0") return false;
  }
  return ToNumber(words[box], object.left) && ToNumber(words[box + 1], object.top) &&
         ToNumber(words[box + 2], object.right) && ToNumber(words[box + 3], object.bottom);
}

double Area(const KittiObject& o) {
  return std::max(0., o.right - o.left) * std::max(0., o.bottom - o.top);
}

double Iou(const KittiObject& a, const KittiObject& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const double both = width * height;
  return both / (Area(a) + Area(b) - both);
}

struct Pair {
  size_t reference, device;
  double iou;
};

// Of each object the best partner that is still free. `same_label`: only of the same, else only of
// another.
std::vector<Pair> PairUp(const std::vector<KittiObject>& reference,
                         const std::vector<KittiObject>& device, double min_iou, bool same_label,
                         std::vector<bool>& reference_used, std::vector<bool>& device_used) {
  std::vector<Pair> candidates, pairs;
  for (size_t r = 0; r < reference.size(); ++r) {
    for (size_t d = 0; d < device.size(); ++d) {
      if (reference_used[r] || device_used[d]) continue;
      if ((reference[r].label == device[d].label) != same_label) continue;
      const double iou = Iou(reference[r], device[d]);
      if (iou >= min_iou) candidates.push_back({r, d, iou});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Pair& a, const Pair& b) { return a.iou > b.iou; });
  for (const Pair& pair : candidates) {
    if (reference_used[pair.reference] || device_used[pair.device]) continue;
    reference_used[pair.reference] = device_used[pair.device] = true;
    pairs.push_back(pair);
  }
  return pairs;
}

// Sums over all frames, from which the means are made.
struct Sums {
  double iou = 0, score = 0;
  size_t scores = 0;
};

double AgreementOf(size_t matched, size_t reference, size_t device) {
  if (reference + device == 0) return 1;
  return 2. * static_cast<double>(matched) / static_cast<double>(reference + device);
}

void AddMatched(const KittiObject& a, const KittiObject& b, double iou, Parity& parity,
                Sums& sums) {
  parity.lowest_iou = parity.matched == 0 ? iou : std::min(parity.lowest_iou, iou);
  ++parity.matched;
  sums.iou += iou;
  if (a.score < 0 || b.score < 0) return;
  sums.score += std::abs(a.score - b.score);
  ++sums.scores;
}

void AddFrame(const std::string& name, const std::vector<KittiObject>& reference,
              const std::vector<KittiObject>& device, double min_iou, Parity& parity, Sums& sums) {
  std::vector<bool> reference_used(reference.size()), device_used(device.size());
  const std::vector<Pair> pairs =
      PairUp(reference, device, min_iou, true, reference_used, device_used);
  for (const Pair& pair : pairs)
    AddMatched(reference[pair.reference], device[pair.device], pair.iou, parity, sums);
  const size_t missing = reference.size() - pairs.size(), extra = device.size() - pairs.size();
  parity.reference_objects += reference.size();
  parity.device_objects += device.size();
  parity.missing += missing;
  parity.extra += extra;
  parity.other_class +=
      PairUp(reference, device, min_iou, false, reference_used, device_used).size();
  const double agreement = AgreementOf(pairs.size(), reference.size(), device.size());
  if (agreement >= parity.worst_agreement) return;
  parity.worst_frame = name;
  parity.worst_agreement = agreement;
  parity.worst_missing = missing;
  parity.worst_extra = extra;
}

}  // namespace

double Parity::Agreement() const { return AgreementOf(matched, reference_objects, device_objects); }

Result<std::vector<KittiObject>> ParseKitti(const std::string& text, const std::string& name) {
  std::vector<KittiObject> objects;
  std::istringstream stream(text);
  size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = fmt::format("{}:{}", name, number);
    if (objects.size() >= kMostObjects)
      return Error{ErrorCode::kLimitExceeded, "too many objects in one frame", where, ""};
    objects.emplace_back();
    if (!ParseObject(line, objects.back())) {
      return Error{ErrorCode::kCorrupt, "not a line of a KITTI file", where,
                   "'label 0.0 0 0.0 left top right bottom', seven times 0.0, score"};
    }
  }
  return objects;
}

Result<KittiFrames> ReadKittiFolder(const fs::path& folder) {
  std::error_code failed;
  KittiFrames frames;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    if (it->path().extension() != ".txt") continue;
    if (frames.size() >= kMostFrames)
      return Error{ErrorCode::kLimitExceeded, "too many files", folder.string(), ""};
    EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(it->path(), kMostFileBytes));
    EDET_ASSIGN_OR_RETURN(std::vector<KittiObject> objects, ParseKitti(text, it->path().string()));
    frames[it->path().filename().string()] = std::move(objects);
  }
  if (!failed && !frames.empty()) return frames;
  return Error{ErrorCode::kNotFound, "the folder holds no KITTI files", folder.string(),
               "one 00_000_NNNNNN.txt a frame, as 'edet run --kitti FOLDER' writes them"};
}

Parity CompareKitti(const KittiFrames& reference, const KittiFrames& device, double min_iou) {
  Parity parity;
  Sums sums;
  for (const auto& [name, objects] : reference) {
    auto found = device.find(name);
    ++parity.frames;
    if (found == device.end()) ++parity.absent_frames;
    AddFrame(name, objects, found == device.end() ? std::vector<KittiObject>() : found->second,
             min_iou, parity, sums);
  }
  for (const auto& frame : device) parity.unasked_frames += 1 - reference.count(frame.first);
  if (parity.matched > 0) parity.mean_iou = sums.iou / static_cast<double>(parity.matched);
  if (sums.scores > 0) parity.mean_score_difference = sums.score / static_cast<double>(sums.scores);
  return parity;
}

nlohmann::ordered_json ToJson(const Parity& p) {
  nlohmann::ordered_json json = {{"frames", p.frames},
                                 {"absent_frames", p.absent_frames},
                                 {"frames_not_compared", p.unasked_frames},
                                 {"reference_objects", p.reference_objects},
                                 {"device_objects", p.device_objects},
                                 {"matched", p.matched},
                                 {"missing", p.missing},
                                 {"extra", p.extra},
                                 {"other_class", p.other_class},
                                 {"agreement", p.Agreement()},
                                 {"mean_iou", p.mean_iou},
                                 {"lowest_iou", p.lowest_iou},
                                 {"mean_score_difference", p.mean_score_difference},
                                 {"worst_frame", nullptr}};
  if (!p.worst_frame.empty()) {
    json["worst_frame"] = {{"file", p.worst_frame},
                           {"agreement", p.worst_agreement},
                           {"missing", p.worst_missing},
                           {"extra", p.worst_extra}};
  }
  return json;
}

}  // namespace edet::deploy
