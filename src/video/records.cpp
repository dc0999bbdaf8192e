#include "video/records.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "video/overlay.h"

namespace edet::video {
namespace {

using Json = nlohmann::ordered_json;

Json ObjectJson(const detect::FrameObject& object, const std::vector<std::string>& labels) {
  return {{"class", object.class_index}, {"label", ClassName(object.class_index, labels)},
          {"score", object.confidence},  {"left", object.left},
          {"top", object.top},           {"width", object.width},
          {"height", object.height}};
}

// Labels may hold bytes that are no UTF-8: they are replaced, never thrown about.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Error NotWritten(const std::filesystem::path& path) {
  return Error{ErrorCode::kIo, "cannot write the file", path.string(),
               "is there room and permission?"};
}

const char* TypeName(parser::DataType type) {
  switch (type) {
    case parser::DataType::kHalf:
      return "half";
    case parser::DataType::kInt8:
      return "int8";
    case parser::DataType::kInt32:
      return "int32";
    case parser::DataType::kInt64:
      return "int64";
    case parser::DataType::kUint8:
      return "uint8";
    case parser::DataType::kFloat:
      break;
  }
  return "float";
}

size_t TypeSize(parser::DataType type) {
  switch (type) {
    case parser::DataType::kHalf:
      return 2;
    case parser::DataType::kInt8:
    case parser::DataType::kUint8:
      return 1;
    case parser::DataType::kInt64:
      return 8;
    case parser::DataType::kFloat:
    case parser::DataType::kInt32:
      break;
  }
  return 4;
}

// A tensor's name as part of a file name.
std::string SafeName(std::string name) {
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-') c = '_';
  }
  return name.substr(0, 100);
}

Status WriteTensors(StagedFolder& folder, const TensorDump& dump) {
  std::string layers;
  for (const parser::OutputTensor& tensor : *dump.outputs) {
    const std::string file = fmt::format("{:06}_{}.bin", dump.number, SafeName(tensor.name));
    size_t bytes = TypeSize(tensor.type);
    std::string dims;
    for (const uint32_t dim : tensor.dims) {
      bytes *= dim;
      dims += (dims.empty() ? "" : ",") + std::to_string(dim);
    }
    EDET_RETURN_IF_ERROR(folder.Write(file, {static_cast<const char*>(tensor.data), bytes}));
    layers += fmt::format("{} {} {} {}\n", tensor.name, TypeName(tensor.type), dims, file);
  }
  return folder.Write(fmt::format("{:06}_LAYERS", dump.number), layers);
}

}  // namespace

std::string JsonLine(const FrameRecord& record, const std::vector<std::string>& labels) {
  Json objects = Json::array();
  for (const auto& object : record.objects) objects.push_back(ObjectJson(object, labels));
  return Dump({{"source", record.source},
               {"frame", record.frame},
               {"pts_s", record.pts_s},
               {"objects", objects}});
}

std::string KittiName(const FrameRecord& record) {
  return fmt::format("{:02}_{:03}_{:06}.txt", 0, record.source, record.frame);
}

std::string KittiText(const FrameRecord& record, const std::vector<std::string>& labels) {
  std::string text;
  for (const auto& o : record.objects) {
    text += fmt::format("{} 0.0 0 0.0 {:f} {:f} {:f} {:f} 0.0 0.0 0.0 0.0 0.0 0.0 0.0 {:f}\n",
                        ClassName(o.class_index, labels), o.left, o.top, o.left + o.width,
                        o.top + o.height, o.confidence);
  }
  return text;
}

Result<StagedFolder> StagedFolder::Open(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string name = (folder / ".edet-XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr) {
    return Error{ErrorCode::kIo, "cannot write into the folder", folder.string(),
                 "is it a folder, with permission?"};
  }
  StagedFolder result;
  result.folder_ = folder;
  result.staging_ = name;
  result.removal_ = std::make_unique<AtInterruption>([staging = result.staging_] {
    std::error_code ignored;
    std::filesystem::remove_all(staging, ignored);
  });
  return result;
}

StagedFolder& StagedFolder::operator=(StagedFolder&& other) noexcept {
  folder_.swap(other.folder_);
  staging_.swap(other.staging_);
  removal_.swap(other.removal_);
  names_.swap(other.names_);
  return *this;
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!staging_.empty()) std::filesystem::remove_all(staging_, ignored);
}

Status StagedFolder::Write(const std::string& name, std::string_view bytes) {
  std::ofstream stream(staging_ / name, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) return NotWritten(folder_ / name);
  names_.push_back(name);
  return {};
}

Status StagedFolder::Commit() {
  std::error_code error;
  for (const std::string& name : names_) {
    std::filesystem::rename(staging_ / name, folder_ / name, error);
    if (error) return NotWritten(folder_ / name);
  }
  std::filesystem::remove_all(staging_, error);
  staging_.clear();
  return {};
}

Result<StagedLines> StagedLines::Open(const std::filesystem::path& path) {
  StagedLines result;
  result.path_ = path;
  result.files_ = std::make_unique<OutputFiles>();
  EDET_ASSIGN_OR_RETURN(const std::filesystem::path temporary, result.files_->StageName(path));
  result.stream_.open(temporary, std::ios::binary);
  if (!result.stream_) return NotWritten(path);
  return result;
}

Status StagedLines::Write(const std::string& line) {
  stream_ << line << '\n';
  if (!stream_) return NotWritten(path_);
  return {};
}

Status StagedLines::Commit() {
  stream_.close();
  if (!stream_) return NotWritten(path_);
  return files_->Commit();
}

Status WriteTensorDump(StagedFolder& folder, const TensorDump& dump,
                       const std::vector<std::string>& labels) {
  EDET_RETURN_IF_ERROR(WriteTensors(folder, dump));
  Json network = Json::array(), frame = Json::array();
  for (const auto& o : *dump.network_objects) {
    network.push_back(
        ObjectJson({o.class_index, o.left, o.top, o.width, o.height, o.confidence}, labels));
  }
  for (const auto& object : dump.record->objects) frame.push_back(ObjectJson(object, labels));
  const Json json = {{"source", dump.record->source},
                     {"frame_number", dump.record->frame},
                     {"network_size", {dump.network_width, dump.network_height}},
                     {"frame_size", {dump.record->width, dump.record->height}},
                     {"network", network},
                     {"frame", frame}};
  return folder.Write(fmt::format("{:06}_objects.json", dump.number), Dump(json));
}

}  // namespace edet::video
