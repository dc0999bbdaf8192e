#include "testing/stock_parsers.h"

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "testing/reference_data.h"

namespace edet::testing {

namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

void Spill(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Each byte as a character, so that any text can stand in JSON.
std::string FromLatin1(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) text += static_cast<char>(0xC0 | (byte >> 6));
    text += static_cast<char>(byte >= 0x80 ? 0x80 | (byte & 0x3F) : byte);
  }
  return text;
}

void JudgeTest::SetUp() {
  EDET_SKIP_WITHOUT("judges/nvinfer/build.sh");
  const fs::path script = ReferenceData() / "judges/nvinfer/build.sh";
  const fs::path folder = EDET_JUDGE_FOLDER;
  fs::create_directories(folder);
  program_ = folder / "nvinfer_judge";
  if (!fs::exists(program_)) {
    // Tests may run side by side: the first one builds, the others wait.
    const std::string command = "flock '" + folder.string() + "/lock' sh -c \"test -x '" +
                                program_.string() + "' || bash '" + script.string() + "' '" +
                                folder.string() + "'\" >'" + (folder / "build.log").string() +
                                "' 2>&1";
    if (std::system(command.c_str()) != 0) {
      GTEST_SKIP() << "skipped: the judge cannot be built here: "
                   << Slurp(folder / "build.log").substr(0, 300);
    }
  }
  Spill(folder_ / "labels.txt", "a\nb\nc\n");
  Spill(folder_ / "model.onnx", "x");
  Spill(folder_ / "config_infer_primary.txt", "[property]\n");
  Spill(folder_ / "libnvdsinfer_efficientdet.so", "x");
}

Verdict JudgeTest::Judge(const std::string& mode, const fs::path& config) const {
  const fs::path out = folder_ / "judge.out", err = folder_ / "judge.err";
  const std::string command = "'" + program_.string() + "' " + mode + " '" + config.string() +
                              "' >'" + out.string() + "' 2>'" + err.string() + "'";
  const int status = std::system(command.c_str());
  Verdict verdict;
  // The answer is the last line; deepstream-app prints its warnings on stdout, before it.
  const std::string printed = Slurp(out);
  const size_t answer = printed.rfind("{\"accepted\"");
  verdict.warnings =
      Slurp(err) + printed.substr(0, answer == std::string::npos ? printed.size() : answer);
  verdict.crashed = !WIFEXITED(status) || WEXITSTATUS(status) > 3;
  verdict.accepted = status == 0;
  if (!verdict.accepted) return verdict;
  // printf's spelling of numbers that JSON does not have.
  const std::string text = std::regex_replace(
      printed.substr(answer), std::regex("([:,\\[] ?)(-?(nan|inf))\\b"), "$1\"$2\"");
  verdict.values = nlohmann::json::parse(FromLatin1(text), nullptr, false);
  return verdict;
}

}  // namespace edet::testing
