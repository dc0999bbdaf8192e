// Fuzzes the readers of DeepStream files: the first byte chooses nvinfer's or deepstream-app's
// config, each in INI or YAML (whose table of sources may be
// the file itself), or labels.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "deepstream/app_config.h"
#include "deepstream/nvinfer_config.h"
#include "fuzz_file.h"

namespace {

template <typename T>
void Expect(const edet::Result<T>& result) {
  if (!result.ok() && result.error().ToString().empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 1) return 0;
  edet::Findings findings;
  const auto file = [&](const char* name) {
    return edet::fuzz::WriteFile(name, bytes + 1, size - 1);
  };
  switch (bytes[0] % 5) {
    case 0:
      Expect(edet::deepstream::ReadNvinferConfig(file("config.txt"), findings));
      break;
    case 1:
      Expect(edet::deepstream::ReadNvinferConfig(file("config.yml"), findings));
      break;
    case 2:
      Expect(edet::deepstream::ReadAppConfig(file("app.txt"), findings));
      break;
    case 3:
      Expect(edet::deepstream::ReadAppConfig(file("app.yml"), findings));
      break;
    default:
      Expect(edet::deepstream::ReadLabels(file("labels.txt")));
  }
  return 0;
}
