#include <fmt/format.h>

#include <algorithm>

#include "lint/nvinfer_rules.h"

namespace edet::lint {
namespace {

constexpr const char* kProperty = "property";
constexpr const char* kFunctionKeys[] = {
    "parse-bbox-func-name", "parse-bbox-instance-mask-func-name", "parse-classifier-func-name",
    "parse-segmentation-func-name", "engine-create-func-name"};

class LibraryChecker {
 public:
  LibraryChecker(const NvinferUse& use, ReferencedFiles& files, Report& report)
      : file_(*use.file), files_(files), report_(report) {}

  void Check() {
    CheckPair();
    const std::optional<Reference> library = NvinferReference(file_, "custom-lib-path");
    if (!library || !library->exists) return;
    const parser::LibraryDescription* description = files_.Library(library->path);
    if (description == nullptr) {
      return report_.Add("not-a-library", At(),
                         fmt::format("{} is no 64-bit shared library", library->path.string()));
    }
    for (const char* key : kFunctionKeys) CheckFunction(key, *description);
    CheckTakesOver(*description);
    if (report_.target()) CheckTarget(*description, *report_.target());
  }

 private:
  Place At() const { return file_.At(kProperty, "custom-lib-path"); }

  void CheckPair() {
    if (NetworkType(file_) != 0) return;
    const bool library = file_.Has(kProperty, "custom-lib-path");
    const bool function = file_.Has(kProperty, "parse-bbox-func-name");
    if (function && !library) {
      report_.Add("parser-incomplete", file_.At(kProperty, "parse-bbox-func-name"),
                  "parse-bbox-func-name without custom-lib-path is ignored");
    }
    const bool other_use = file_.Has(kProperty, "engine-create-func-name") ||
                           file_.Has(kProperty, "custom-network-config") ||
                           file_.IsOn(kProperty, "output-tensor-meta");
    if (library && !function && !other_use) {
      report_.Add("parser-unused", At(),
                  "custom-lib-path without parse-bbox-func-name: the built-in parser runs");
    }
  }

  void CheckFunction(const char* key, const parser::LibraryDescription& library) {
    const std::string name = file_.Text(kProperty, key).value_or("");
    const auto& functions = library.parse_functions;
    if (name.empty() || library.functions.count(name) != 0) return;
    report_.Add("parse-function-missing", file_.At(kProperty, key),
                fmt::format("the library has no function '{}'", name),
                functions.empty() ? "it has no parse function at all"
                                  : fmt::format("it has {}", fmt::join(functions, ", ")));
  }

  void CheckTakesOver(const parser::LibraryDescription& library) {
    if (!file_.Has(kProperty, "onnx-file")) return;
    for (const char* name : {"NvDsInferCreateModelParser", "NvDsInferCudaEngineGet"}) {
      if (library.functions.count(name) == 0) continue;
      report_.Add("library-takes-over", At(),
                  fmt::format("the library exports {}: onnx-file is not used", name));
    }
  }

  void CheckTarget(const parser::LibraryDescription& library, const deepstream::Platform& target) {
    if (library.architecture != target.arch) {
      report_.Add(library.self ? "own-library" : "library-architecture", At(),
                  fmt::format("the library is for {}, {} is {}", library.architecture, target.name,
                              target.arch));
    }
    const auto glibc = library.needed_newest.find("GLIBC");
    if (glibc != library.needed_newest.end() && !target.glibc.empty() &&
        deepstream::CompareVersions(glibc->second, target.glibc) > 0) {
      report_.Add("library-too-new", At(),
                  fmt::format("the library needs glibc {}, {} has {}", glibc->second, target.name,
                              target.glibc));
    }
    if (!library.self) return;
    const auto& sizes = library.self->object_bytes;
    const bool fits = std::any_of(sizes.begin(), sizes.end(), [&target](int bytes) {
      return static_cast<unsigned>(bytes) == target.object_bytes;
    });
    if (fits) return;
    report_.Add("library-object-size", At(),
                fmt::format("the library writes objects of {} bytes, DeepStream {} has {}",
                            fmt::join(sizes, " and "), target.deepstream, target.object_bytes));
  }

  const ConfigText& file_;
  ReferencedFiles& files_;
  Report& report_;
};

}  // namespace

void CheckLibrary(const NvinferUse& use, ReferencedFiles& files, Report& report) {
  LibraryChecker(use, files, report).Check();
}

}  // namespace edet::lint
