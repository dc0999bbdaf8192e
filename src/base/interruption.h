#pragma once

#include <functional>
#include <list>

namespace edet {

// From now on SIGINT, SIGTERM and SIGHUP (but for those that the program was started with ignored)
// do what AtInterruption and GracefulStop objects ask for, then end the program as they would have.
// Once, from main, before it starts threads. Without this call those objects do nothing.
void EndCleanlyOnSignals();

// While it lives: `action` runs before a signal ends the program, to take away what must not stay.
// It runs beside the program's threads, on one of its own, and must not make or destroy objects of
// this class. Any thread.
class AtInterruption {
 public:
  explicit AtInterruption(std::function<void()> action);
  AtInterruption(const AtInterruption&) = delete;
  AtInterruption& operator=(const AtInterruption&) = delete;
  ~AtInterruption();

 private:
  std::list<std::function<void()>>::iterator place_;
};

// While one lives, the first signal only asks: the program keeps what it has and ends by itself. A
// second one ends it. Any thread; one at a time.
class GracefulStop {
 public:
  GracefulStop();
  GracefulStop(const GracefulStop&) = delete;
  GracefulStop& operator=(const GracefulStop&) = delete;
  ~GracefulStop();

  // The number of the signal that asked; 0: none did.
  static int Asked();
};

}  // namespace edet
