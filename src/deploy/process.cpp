#include "deploy/process.h"

#include <fmt/format.h>
#include <gio/gio.h>

#include <memory>

namespace edet::deploy {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
struct UnrefBytes {
  void operator()(GBytes* bytes) const { g_bytes_unref(bytes); }
};
using Process = std::unique_ptr<GSubprocess, Unref>;

// What the callbacks of one run fill in.
struct Run {
  GMainLoop* loop = nullptr;
  GCancellable* stop = nullptr;
  bool timed_out = false;
  std::string out, err, failure;
};

void Take(GBytes* bytes, std::string& text) {
  if (bytes == nullptr) return;
  std::unique_ptr<GBytes, UnrefBytes> owner(bytes);
  gsize size = 0;
  const void* data = g_bytes_get_data(bytes, &size);
  if (size > 0) text.assign(static_cast<const char*>(data), size);
}

void OnDone(GObject* source, GAsyncResult* result, gpointer data) {
  auto* run = static_cast<Run*>(data);
  GBytes *out = nullptr, *err = nullptr;
  GError* error = nullptr;
  g_subprocess_communicate_finish(G_SUBPROCESS(source), result, &out, &err, &error);
  Take(out, run->out);
  Take(err, run->err);
  if (error != nullptr) run->failure = error->message;
  g_clear_error(&error);
  g_main_loop_quit(run->loop);
}

gboolean OnTimeout(gpointer data) {
  auto* run = static_cast<Run*>(data);
  run->timed_out = true;
  g_cancellable_cancel(run->stop);
  return G_SOURCE_REMOVE;
}

// Reads and writes on a main loop of this thread's own.
void Communicate(GSubprocess* process, std::string_view input, unsigned timeout_seconds, Run& run) {
  GMainContext* context = g_main_context_new();
  g_main_context_push_thread_default(context);
  run.loop = g_main_loop_new(context, FALSE);
  run.stop = g_cancellable_new();
  GSource* timer = g_timeout_source_new_seconds(timeout_seconds);
  g_source_set_callback(timer, OnTimeout, &run, nullptr);
  g_source_attach(timer, context);
  std::unique_ptr<GBytes, UnrefBytes> bytes(g_bytes_new_static(input.data(), input.size()));
  g_subprocess_communicate_async(process, bytes.get(), run.stop, OnDone, &run);
  g_main_loop_run(run.loop);
  g_source_destroy(timer);
  g_source_unref(timer);
  g_object_unref(run.stop);
  g_main_loop_unref(run.loop);
  g_main_context_pop_thread_default(context);
  g_main_context_unref(context);
}

}  // namespace

Result<ProcessResult> RunProcess(const std::vector<std::string>& argv, std::string_view input,
                                 unsigned timeout_seconds) {
  std::vector<const char*> words;
  for (const std::string& word : argv) words.push_back(word.c_str());
  words.push_back(nullptr);
  GError* error = nullptr;
  const auto flags =
      static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                    G_SUBPROCESS_FLAGS_STDERR_PIPE);
  Process process(g_subprocess_newv(words.data(), flags, &error));
  if (!process) {
    Error failed{ErrorCode::kEnvironment,
                 fmt::format("cannot start {}: {}", argv[0], error->message), "",
                 "install it (package openssh-client)"};
    g_clear_error(&error);
    return failed;
  }
  Run run;
  Communicate(process.get(), input, timeout_seconds, run);
  if (run.timed_out) {
    g_subprocess_force_exit(process.get());
    g_subprocess_wait(process.get(), nullptr, nullptr);
    return Error{ErrorCode::kEnvironment,
                 fmt::format("no answer within {} seconds", timeout_seconds), argv[0], ""};
  }
  // A child that ends before it has read everything breaks the pipe: its exit code tells why.
  g_subprocess_wait(process.get(), nullptr, nullptr);
  const int code = g_subprocess_get_if_exited(process.get())
                       ? g_subprocess_get_exit_status(process.get())
                       : 128 + g_subprocess_get_term_sig(process.get());
  return ProcessResult{code, std::move(run.out), std::move(run.err)};
}

std::string LastLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  text.erase(0, text.rfind('\n') + 1);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string ShellQuoted(const std::string& word) {
  char* quoted = g_shell_quote(word.c_str());
  std::string text = quoted;
  g_free(quoted);
  return text;
}

}  // namespace edet::deploy
