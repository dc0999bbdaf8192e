#include "checkpoint/keras_h5.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <limits>
#include <mutex>
#include <optional>

#include "base/checked_math.h"
#include "base/file.h"

namespace edet::checkpoint {
namespace {

constexpr rlim_t kMostReadSeconds = 60;
constexpr uint64_t kChildRoomBytes = uint64_t{256} << 20;  // HDF5's own needs
// No filter of HDF5 itself makes weights smaller than this; what claims more is a bomb.
constexpr uint64_t kMostCompression = 2000;

// A handle of HDF5 and the call that gives it back.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  hid_t get() const { return id_; }
  bool ok() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// Keeps HDF5 from printing its error stack and from loading plugins, while it lives. HDF5 may be
// built without support for threads, so only one thread is let in.
class Session {
 public:
  Session() : turn_(mutex()) {
    H5dont_atexit();  // on damaged files it complains at exit, on standard error
    H5open();
    H5Eget_auto2(H5E_DEFAULT, &print_, &client_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5PLget_loading_state(&plugins_);
    H5PLset_loading_state(0);
  }
  ~Session() {
    H5PLset_loading_state(plugins_);
    H5Eset_auto2(H5E_DEFAULT, print_, client_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  std::lock_guard<std::mutex> turn_;
  H5E_auto2_t print_ = nullptr;
  void* client_ = nullptr;
  unsigned plugins_ = 0;
};

struct Link {
  std::string name;
  H5L_type_t type;
};

struct Links {
  std::vector<Link> found;
  size_t most = 0;
};

// C code calls this: nothing may be thrown through it.
herr_t CollectLink(hid_t, const char* name, const H5L_info_t* info, void* data) noexcept {
  auto* links = static_cast<Links*>(data);
  if (links->found.size() >= links->most) return -1;
  links->found.push_back({name, info->type});
  return 0;
}

// "efficientnet-b0/efficientnet-b0/stem/conv2d/kernel:0": the group of a layer holds the full names
// of its variables, which begin with the layer again. A whole model keeps its weights one lower.
std::string VariableName(std::string path) {
  const std::string_view whole_model = "model_weights/";
  if (path.compare(0, whole_model.size(), whole_model) == 0) path.erase(0, whole_model.size());
  size_t slash = path.find('/');
  if (slash != std::string::npos && path.compare(slash + 1, slash + 1, path, 0, slash + 1) == 0)
    path.erase(0, slash + 1);
  size_t colon = path.rfind(':');
  if (colon != std::string::npos && colon + 1 < path.size() &&
      path.find_first_not_of("0123456789", colon + 1) == std::string::npos) {
    path.resize(colon);
  }
  return path;
}

class Reader {
 public:
  Reader(const std::string& where, const Limits& limits)
      : where_(where), limits_(limits), tensors_(where, limits) {}

  Result<LoadedTensors> Run(const std::string& bytes) {
    Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    // The bytes are in memory: the library opens no file, so none that the bytes could name.
    if (H5Pset_fapl_core(access.get(), size_t{1} << 20, 0) < 0 ||
        H5Pset_file_image(access.get(), const_cast<char*>(bytes.data()), bytes.size()) < 0) {
      return Error{ErrorCode::kEnvironment, "HDF5 does not start", where_, ""};
    }
    Handle file(H5Fopen("memory", H5F_ACC_RDONLY, access.get()), H5Fclose);
    if (!file.ok()) return Damaged("");
    EDET_RETURN_IF_ERROR(ReadGroup(file.get(), "", 0));
    if (tensors_.entries.empty()) {
      return Error{ErrorCode::kUnsupported, "no weights in this HDF5 file", where_,
                   "give what Keras' save_weights wrote"};
    }
    EDET_RETURN_IF_ERROR(tensors_.Finish());
    return std::move(tensors_);
  }

 private:
  Error Fail(ErrorCode code, const std::string& what, const std::string& hint = "") const {
    return {code, what, where_, hint};
  }
  Error Damaged(const std::string& at) const {
    return Fail(ErrorCode::kCorrupt,
                at.empty() ? "the HDF5 file cannot be read"
                           : "'" + at + "' in the HDF5 file cannot be read",
                "it is damaged or cut off; copy it again");
  }

  Status ReadGroup(hid_t group, const std::string& path, size_t depth) {
    if (depth > limits_.depth)
      return Fail(ErrorCode::kLimitExceeded, "groups of the HDF5 file are nested too deep");
    Links links;
    links.most = limits_.tensors;
    hsize_t position = 0;
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, CollectLink, &links) < 0) {
      return links.found.size() >= links.most
                 ? Fail(ErrorCode::kLimitExceeded, "a group of the HDF5 file has too many members")
                 : Damaged(path);
    }
    for (const Link& link : links.found) {
      std::string place = path.empty() ? link.name : path + "/" + link.name;
      EDET_RETURN_IF_ERROR(ReadLink(group, link, place, depth));
    }
    return {};
  }

  Status ReadLink(hid_t group, const Link& link, const std::string& path, size_t depth) {
    // Hard links may lead back to a group above.
    if (++visited_ > limits_.nodes)
      return Fail(ErrorCode::kLimitExceeded, "the HDF5 file has too many objects");
    std::string shown = Printable(path);
    if (link.type != H5L_TYPE_HARD) {
      return Fail(ErrorCode::kUnsupported, "'" + shown + "' is a link to another place",
                  "only weights in the file itself are read");
    }
    if (path == "optimizer_weights") return {};
    Handle object(H5Oopen(group, link.name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object.ok()) return Damaged(shown);
    H5I_type_t type = H5Iget_type(object.get());
    if (type == H5I_GROUP) return ReadGroup(object.get(), path, depth + 1);
    if (type == H5I_DATASET) return ReadDataset(object.get(), path, shown);
    return {};
  }

  static std::string Printable(std::string text) {
    for (char& c : text) c = static_cast<unsigned char>(c) < ' ' ? '?' : c;
    return text.substr(0, 200);
  }

  // Numbers of another kind (the number of an epoch) are no weights.
  Status ReadDataset(hid_t dataset, const std::string& path, const std::string& shown) {
    Handle type(H5Dget_type(dataset), H5Tclose);
    Handle space(H5Dget_space(dataset), H5Sclose);
    if (!type.ok() || !space.ok()) return Damaged(shown);
    if (H5Tget_class(type.get()) != H5T_FLOAT || H5Sget_simple_extent_type(space.get()) == H5S_NULL)
      return {};
    int rank = H5Sget_simple_extent_ndims(space.get());
    if (rank < 0) return Damaged(shown);
    if (static_cast<size_t>(rank) > limits_.rank)
      return Fail(ErrorCode::kLimitExceeded, fmt::format("'{}' has {} dimensions", shown, rank));
    std::vector<hsize_t> extent(static_cast<size_t>(rank));
    if (rank > 0 && H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr) < 0)
      return Damaged(shown);
    std::vector<int64_t> shape(extent.begin(), extent.end());
    std::optional<uint64_t> count = ElementCount(shape);
    uint64_t stored_size = H5Tget_size(type.get());
    std::optional<uint64_t> stored =
        count ? CheckedMultiply(*count, stored_size) : std::optional<uint64_t>();
    if (!stored || *stored > limits_.tensor_bytes)
      return Fail(ErrorCode::kLimitExceeded, "'" + shown + "' is over the size limit");
    EDET_RETURN_IF_ERROR(CheckStorage(dataset, *stored, stored_size, shown));
    std::string name = VariableName(path);
    EDET_ASSIGN_OR_RETURN(char* out,
                          tensors_.Add(name, path, DType::kFloat32, shape, *count * sizeof(float)));
    if (*count == 0) return {};
    if (H5Dread(dataset, H5T_IEEE_F32LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
      return Damaged(shown);
    return {};
  }

  // That the bytes are in this file before room is made for them.
  Status CheckStorage(hid_t dataset, uint64_t bytes, uint64_t element_bytes,
                      const std::string& shown) {
    Handle creation(H5Dget_create_plist(dataset), H5Pclose);
    if (!creation.ok()) return Damaged(shown);
    H5D_layout_t layout = H5Pget_layout(creation.get());
    if (layout == H5D_VIRTUAL || H5Pget_external_count(creation.get()) != 0) {
      return Fail(ErrorCode::kUnsupported, "the values of '" + shown + "' lie in another file",
                  "only weights in the file itself are read");
    }
    int filters = H5Pget_nfilters(creation.get());
    if (filters < 0) return Damaged(shown);
    EDET_RETURN_IF_ERROR(CheckFilters(creation.get(), filters, shown));
    uint64_t room = H5Dget_storage_size(dataset);
    if (filters > 0) room = CheckedMultiply(room, kMostCompression).value_or(UINT64_MAX);
    if (layout == H5D_CHUNKED) {
      EDET_ASSIGN_OR_RETURN(uint64_t chunk, ChunkBytes(creation.get(), element_bytes, shown));
      if (chunk > room && bytes > 0) return Missing(shown, chunk);
    }
    return bytes <= room ? Status() : Missing(shown, bytes);
  }

  Status Missing(const std::string& shown, uint64_t bytes) const {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("'{}' claims {} bytes, which the file does not hold", shown, bytes));
  }

  Status CheckFilters(hid_t creation, int filters, const std::string& shown) {
    for (int i = 0; i < filters; ++i) {
      unsigned flags = 0, config = 0;
      size_t values = 0;
      H5Z_filter_t filter = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values,
                                           nullptr, 0, nullptr, &config);
      if (filter < 0) return Damaged(shown);
      if (H5Zfilter_avail(filter) > 0) continue;
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("'{}' is compressed by filter {}, which HDF5 does not have here",
                              shown, filter),
                  "save the weights without compression, or with gzip");
    }
    return {};
  }

  Result<uint64_t> ChunkBytes(hid_t creation, uint64_t element_bytes, const std::string& shown) {
    hsize_t extent[H5S_MAX_RANK];
    int rank = H5Pget_chunk(creation, H5S_MAX_RANK, extent);
    if (rank < 0 || rank > H5S_MAX_RANK) return Damaged(shown);
    std::optional<uint64_t> bytes = element_bytes;
    for (int d = 0; d < rank && bytes; ++d) bytes = CheckedMultiply(*bytes, extent[d]);
    if (!bytes || *bytes > limits_.tensor_bytes)
      return Fail(ErrorCode::kLimitExceeded, "a chunk of '" + shown + "' is over the size limit");
    return *bytes;
  }

  const std::string& where_;
  const Limits& limits_;
  LoadedTensors tensors_;
  size_t visited_ = 0;
};

// Addresses that this process uses, in bytes; 0 if the system does not tell.
uint64_t UsedAddressBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  statm >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// What a child process may take: HDF5 asks for whatever a damaged file names.
void LimitChild(uint64_t most_bytes) {
  const rlimit no_core = {0, 0}, seconds = {kMostReadSeconds, kMostReadSeconds};
  setrlimit(RLIMIT_CORE, &no_core);
  setrlimit(RLIMIT_CPU, &seconds);
  uint64_t used = UsedAddressBytes();
  if (used == 0) return;
  const rlimit addresses = {used + most_bytes, used + most_bytes};
  setrlimit(RLIMIT_AS, &addresses);
}

// An error on its way through a pipe, small enough to be written at once.
std::string Packed(const Error& error) {
  return static_cast<char>(error.code) + error.what.substr(0, 1000) + '\n' +
         error.hint.substr(0, 1000);
}

Error Unpacked(const std::string& packed, const std::string& where) {
  size_t end = packed.find('\n');
  return {static_cast<ErrorCode>(packed[0]), packed.substr(1, end - 1), where,
          packed.substr(end + 1)};
}

[[noreturn]] void ReadAsChild(const std::string& bytes, const std::string& where,
                              const Limits& limits, int report) {
  for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) signal(number, SIG_DFL);
  if (int silent = open("/dev/null", O_WRONLY | O_CLOEXEC); silent >= 0) dup2(silent, 2);
  LimitChild(2 * limits.unpacked_bytes + kChildRoomBytes);
  int code = 0;
  try {
    Result<LoadedTensors> read = Reader(where, limits).Run(bytes);
    std::string packed = read.ok() ? "" : Packed(read.error());
    if (write(report, packed.data(), packed.size()) != static_cast<ssize_t>(packed.size()))
      code = 1;
  } catch (...) {  // no memory
    code = 1;
  }
  _exit(code);  // nothing of the parent's is to be ended or flushed
}

std::string ReadAll(int descriptor) {
  std::string text;
  char buffer[4096];
  for (;;) {
    ssize_t got = read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer, static_cast<size_t>(got));
  }
}

// HDF5 may crash, never end or take all memory on a damaged file. That shall not end this program,
// so a child process reads it first; only what it got through is read again here.
Status TryInChild(const std::string& bytes, const std::string& where, const Limits& limits) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return Error{ErrorCode::kEnvironment, "cannot make a pipe", where, ""};
  pid_t child = fork();
  if (child == 0) ReadAsChild(bytes, where, limits, ends[1]);
  close(ends[1]);
  std::string report = child > 0 ? ReadAll(ends[0]) : "";
  close(ends[0]);
  if (child < 0) return Error{ErrorCode::kEnvironment, "cannot start a process", where, ""};
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return Error{ErrorCode::kEnvironment, "lost a process", where, ""};
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error{ErrorCode::kCorrupt, "HDF5 crashes on this file or does not end", where,
                 "it is damaged or cut off; copy it again"};
  }
  return report.empty() ? Status() : Status(Unpacked(report, where));
}

}  // namespace

Result<LoadedTensors> ReadKerasH5(const std::filesystem::path& path, const Limits& given) {
  const std::string where = path.string();
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, given.unpacked_bytes));
  Limits limits = given;
  limits.unpacked_bytes = MostUnpackedBytes(bytes.size(), given);
  Session session;
  EDET_RETURN_IF_ERROR(TryInChild(bytes, where, limits));
  return Reader(where, limits).Run(bytes);
}

}  // namespace edet::checkpoint
