#include "deploy/embedded_files.h"

namespace edet::deploy {

std::string_view DeviceFile(std::string_view path) {
  for (const EmbeddedFile& file : DeviceFiles()) {
    if (file.path == path) return file.text;
  }
  return {};
}

}  // namespace edet::deploy
