#include "base/interruption.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>

namespace edet {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

std::mutex mutex;
// Never destroyed: other objects may outlive it.
std::list<std::function<void()>>& Actions() {
  static auto* actions = new std::list<std::function<void()>>;
  return *actions;
}
std::atomic<int> graceful{0}, asked{0};
int pipe_ends[2] = {-1, -1};

// A handler may do next to nothing: it hands the number over.
void OnSignal(int number) {
  const int kept = errno;
  const auto byte = static_cast<unsigned char>(number);
  [[maybe_unused]] const ssize_t written = write(pipe_ends[1], &byte, 1);
  errno = kept;
}

[[noreturn]] void End(int number) {
  // Never unlocked: whoever destroys such an object now waits until the program has ended.
  mutex.lock();
  for (const auto& action : Actions()) action();
  std::signal(number, SIG_DFL);
  raise(number);
  _exit(128 + number);
}

void Watch() {
  for (;;) {
    unsigned char byte = 0;
    const ssize_t got = read(pipe_ends[0], &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1) return;
    if (graceful == 0 || asked != 0) End(byte);
    asked = byte;
  }
}

}  // namespace

void EndCleanlyOnSignals() {
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return;
  try {
    std::thread(Watch).detach();
  } catch (const std::system_error&) {
    return;  // the signals end the program as they always did
  }
  for (int number : kSignals) {
    struct sigaction action = {}, before = {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(number, &action, nullptr);
  }
}

AtInterruption::AtInterruption(std::function<void()> action) {
  const std::lock_guard<std::mutex> lock(mutex);
  place_ = Actions().insert(Actions().end(), std::move(action));
}

AtInterruption::~AtInterruption() {
  const std::lock_guard<std::mutex> lock(mutex);
  Actions().erase(place_);
}

GracefulStop::GracefulStop() { ++graceful; }
GracefulStop::~GracefulStop() { --graceful; }
int GracefulStop::Asked() { return asked; }

}  // namespace edet
