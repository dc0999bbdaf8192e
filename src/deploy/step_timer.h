#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "deploy/deploy.h"

namespace edet::deploy {

// Measures a step, from here to Done(), and tells it.
class StepTimer {
 public:
  StepTimer(std::string name, const StepSink& tell) : tell_(tell) { step_.name = std::move(name); }
  nlohmann::ordered_json& facts() { return step_.facts; }
  std::vector<std::string>& table() { return step_.table; }
  void Done(std::string state, std::string text) {
    step_.state = std::move(state);
    step_.text = std::move(text);
    step_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    tell_(step_);
  }

 private:
  const StepSink& tell_;
  Step step_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace edet::deploy
