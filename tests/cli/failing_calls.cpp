// Preloaded into edet by failing_calls.py: makes one system call or one allocation fail.
//   EDET_FAIL_AFTER  counting begins when a file with this in its name is opened
//   EDET_FAIL_CALL   read, write, fsync, rename, mkdir, new; or short: every read and write is cut
//   EDET_FAIL_AT     which call of that kind fails, from 1
//   EDET_FAIL_ERRNO  with which errno
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

constexpr size_t kShortBytes = 4096;

std::atomic<bool> armed{false};
std::atomic<long> calls{0};
std::atomic<bool> exchange_failed{false};

const char* Setting(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool IsKind(const char* call) { return std::strcmp(Setting("EDET_FAIL_CALL"), call) == 0; }

bool Fails(const char* call) {
  if (!armed || !IsKind(call) || ++calls != std::atol(Setting("EDET_FAIL_AT"))) return false;
  errno = std::atoi(Setting("EDET_FAIL_ERRNO"));
  return true;
}

void NoteOpen(const char* path) {
  const char* after = Setting("EDET_FAIL_AFTER");
  if (*after != '\0' && std::strstr(path, after) != nullptr) armed = true;
}

size_t Cut(size_t size) { return armed && IsKind("short") ? std::min(size, kShortBytes) : size; }

template <typename Function>
Function* Real(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  static auto* real = Real(&open, "open");
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  NoteOpen(path);
  if ((flags & O_CREAT) != 0 && Fails("create")) return -1;
  return real(path, flags, mode);
}

ssize_t read(int file, void* bytes, size_t size) {
  static auto* real = Real(&read, "read");
  return Fails("read") ? -1 : real(file, bytes, Cut(size));
}

ssize_t pread(int file, void* bytes, size_t size, off_t at) {
  static auto* real = Real(&pread, "pread");
  return Fails("read") ? -1 : real(file, bytes, Cut(size), at);
}

ssize_t write(int file, const void* bytes, size_t size) {
  static auto* real = Real(&write, "write");
  return file > 2 && Fails("write") ? -1 : real(file, bytes, file > 2 ? Cut(size) : size);
}

int fsync(int file) {
  static auto* real = Real(&fsync, "fsync");
  return Fails("fsync") ? -1 : real(file);
}

int mkdir(const char* path, mode_t mode) {
  static auto* real = Real(&mkdir, "mkdir");
  return Fails("mkdir") ? -1 : real(path, mode);
}

int rename(const char* from, const char* to) {
  static auto* real = Real(&rename, "rename");
  return exchange_failed.exchange(false) || Fails("rename") ? -1 : real(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  static auto* real = Real(&renameat2, "renameat2");
  if (IsKind("no_exchange")) {
    errno = EINVAL;
    return -1;
  }
  // What edet tries next must not get through instead.
  if (Fails("rename")) exchange_failed = true;
  return exchange_failed ? -1 : real(from_folder, from, to_folder, to, flags);
}

}  // extern "C"

void* operator new(size_t size) {
  if (Fails("new")) throw std::bad_alloc();
  if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
