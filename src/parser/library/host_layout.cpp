#include "parser/library/host_layout.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "parser/library/old_runtime.h"

namespace edet {
namespace parser {
namespace {

using VersionFunction = void (*)(unsigned* major, unsigned* minor);

int CollectDeepStreamLibraries(dl_phdr_info* info, size_t, void* names) {
  if (info->dlpi_name != nullptr && std::strstr(info->dlpi_name, "nvds") != nullptr) {
    static_cast<std::vector<std::string>*>(names)->push_back(info->dlpi_name);
  }
  return 0;
}

// GStreamer opens its plugins with local symbols: under gst-launch or Python nvds_version() may be
// loaded and yet not be found among the process's global symbols.
VersionFunction FindInLoadedLibraries() {
  std::vector<std::string> names;
  dl_iterate_phdr(CollectDeepStreamLibraries, &names);
  for (const std::string& name : names) {
    void* library = dlopen(name.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    void* function = dlsym(library, "nvds_version");
    dlclose(library);  // gives back the reference taken here; the library stays loaded
    if (function != nullptr) return reinterpret_cast<VersionFunction>(function);
  }
  return nullptr;
}

bool AskHost() {
  if (const char* bytes = std::getenv("EDET_PARSER_OBJECT_BYTES")) {
    if (std::strcmp(bytes, "28") == 0) return true;
    if (std::strcmp(bytes, "24") == 0) return false;
  }
  auto version = reinterpret_cast<VersionFunction>(dlsym(RTLD_DEFAULT, "nvds_version"));
  if (version == nullptr) version = FindInLoadedLibraries();
  if (version == nullptr) return false;
  unsigned major = 0, minor = 0;
  version(&major, &minor);
  return major >= 9;
}

const bool host_has_28_byte_objects = AskHost();

}  // namespace

bool HostHas28ByteObjects() { return host_has_28_byte_objects; }

}  // namespace parser
}  // namespace edet
