// The library is a program too: ./libnvdsinfer_efficientdet.so tells what it is and tests itself on
// this machine's C and C++ library, without DeepStream. Nothing here runs when DeepStream loads it.
//
// The loader runs no constructors of the file that it starts; that is the job of a program's
// start-up code, which a library has not. So nothing here relies on them, and the self test loads
// the file a second time, as a library.
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>
#include <exception>

#include "parser/library/program/description.h"
#include "parser/library/program/self_test.h"

#if defined(__x86_64__) && defined(__linux__)
#define EDET_LOADER "/lib64/ld-linux-x86-64.so.2"
// The kernel's stack has argc on top and is not aligned as after a call.
__asm__(
    ".text\n"
    ".globl EdetStart\n"
    ".type EdetStart,@function\n"
    "EdetStart:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call EdetProgram\n"
    "  hlt\n");
#elif defined(__aarch64__) && defined(__linux__)
#define EDET_LOADER "/lib/ld-linux-aarch64.so.1"
__asm__(
    ".text\n"
    ".globl EdetStart\n"
    ".type EdetStart,%function\n"
    "EdetStart:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x0, sp\n"
    "  bl EdetProgram\n"
    "  brk #0\n");
#else
#error "DeepStream runs on Linux, on x86_64 and aarch64 only"
#endif

namespace edet {
namespace parser {
namespace {

__attribute__((used, section(".interp"))) const char loader[] = EDET_LOADER;

#if defined(__x86_64__)
const char kArchitecture[] = "x86_64";
#else
const char kArchitecture[] = "aarch64";
#endif

int RunSelfTest() {
  char path[PATH_MAX] = {};
  if (readlink("/proc/self/exe", path, sizeof path - 1) <= 0) {
    std::printf("FAIL: /proc is not there\n");
    return 1;
  }
  const int failed = SelfTest(path);
  if (failed == 0) {
    std::printf("all passed\n");
  } else {
    std::printf("%d FAILED\n", failed);
  }
  return failed == 0 ? 0 : 1;
}

int Run(int argument_count, char** arguments) {
  const bool only_describe = argument_count == 2 && std::strcmp(arguments[1], "--describe") == 0;
  if (argument_count > 1 && !only_describe) {
    std::fprintf(stderr, "usage: %s [--describe]\nSays what this library is and tests it.\n",
                 arguments[0]);
    return 2;
  }
  std::printf("libnvdsinfer_efficientdet.so: EfficientDet's bounding boxes for DeepStream\n");
  std::printf("architecture %s\n%s", kArchitecture, kDescription);
  return only_describe ? 0 : RunSelfTest();
}

}  // namespace
}  // namespace parser
}  // namespace edet

// `stack`: argc, then argv, as the kernel left them.
extern "C" __attribute__((used, visibility("hidden"), noreturn)) void EdetProgram(long* stack) {
  int code = 1;
  try {
    code = edet::parser::Run(static_cast<int>(stack[0]), reinterpret_cast<char**>(stack + 1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "FAIL: %s\n", error.what());
  }
  std::fflush(stdout);
  _exit(code);
}
