#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace edet {

// What kind of failure it is: few kinds, each one asks for another reaction.
enum class ErrorCode {
  kInvalidArgument,  // the command line or an API call is wrong
  kNotFound,         // a file, a tensor, a symbol that was named is not there
  kIo,               // the system refused to read or write
  kCorrupt,          // the input breaks the rules of its own format
  kUnsupported,      // valid input that this program does not handle
  kLimitExceeded,    // larger than the limit set for it
  kFindings,         // understood, and what it says is wrong (weights that are NaN)
  kEnvironment,      // this machine lacks something (a plugin, a library)
  kInternal,         // our bug
};

// One failure: what is wrong, where (a file with position, a tensor, a key), how to mend it.
// `where` and `hint` may be empty. No text ends in a full stop or holds a line break.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string what;
  std::string where;
  std::string hint;

  // "<what> (<where>): <hint>", the parts that are there, on one line.
  std::string ToString() const;
};

// The exit code of the command line for a failure of this kind: 1 findings, 2 usage, 3 bad input, 4
// environment, 70 our bug.
int ExitCode(ErrorCode code);

// A value or the reason why there is none. Not thread-safe, like the value.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: a value is a result
  Result(Error error) : state_(std::move(error)) {}  // NOLINT: so is an error

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  // Both call abort() when the state is the other one: asking without looking is a bug of ours.
  T& value() & { return Get(); }
  const T& value() const& { return const_cast<Result*>(this)->Get(); }
  T&& value() && { return std::move(Get()); }
  const Error& error() const {
    if (ok()) std::abort();
    return std::get<Error>(state_);
  }
  T& operator*() & { return Get(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &Get(); }
  const T* operator->() const { return &value(); }

 private:
  T& Get() {
    if (!ok()) std::abort();
    return std::get<T>(state_);
  }
  std::variant<T, Error> state_;
};

// Success, or the reason why not.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT: an error is a status
  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    if (!error_) std::abort();
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace edet

// Runs an expression that gives a Status; leaves the function with its error.
#define EDET_RETURN_IF_ERROR(expression)                 \
  do {                                                   \
    ::edet::Status edet_status_ = (expression);          \
    if (!edet_status_.ok()) return edet_status_.error(); \
  } while (false)

#define EDET_CONCAT_INNER_(a, b) a##b
#define EDET_CONCAT_(a, b) EDET_CONCAT_INNER_(a, b)
// `EDET_ASSIGN_OR_RETURN(auto x, F())`: takes the value out of a Result; leaves the function with
// its error.
#define EDET_ASSIGN_OR_RETURN(declaration, expression) \
  EDET_ASSIGN_OR_RETURN_(EDET_CONCAT_(edet_result_, __LINE__), declaration, expression)
#define EDET_ASSIGN_OR_RETURN_(result, declaration, expression) \
  auto result = (expression);                                   \
  if (!result.ok()) return result.error();                      \
  declaration = std::move(result).value()
