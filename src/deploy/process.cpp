#include "deploy/process.h"

#include <fmt/format.h>
#include <gio/gio.h>

#include <memory>

#include "base/printable.h"

namespace edet::deploy {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
using Process = std::unique_ptr<GSubprocess, Unref>;
using Stream = std::unique_ptr<GOutputStream, Unref>;

// What the callbacks of one run fill in. g_subprocess_communicate() would not do: where the child
// stops reading, it drops what the child says about that.
struct Run {
  GMainLoop* loop = nullptr;
  GCancellable* stop = nullptr;
  int open = 0;  // pipes that are not at their end
  bool timed_out = false;
};

void OnEnd(GObject* target, GAsyncResult* result, gpointer data) {
  auto* run = static_cast<Run*>(data);
  // A pipe that the child closed early is no error: its exit code and its words tell why.
  g_output_stream_splice_finish(G_OUTPUT_STREAM(target), result, nullptr);
  if (--run->open == 0) g_main_loop_quit(run->loop);
}

gboolean OnTimeout(gpointer data) {
  auto* run = static_cast<Run*>(data);
  run->timed_out = true;
  g_cancellable_cancel(run->stop);
  return G_SOURCE_REMOVE;
}

// Moves everything from one to the other, as the main loop finds time.
void Pour(GInputStream* source, GOutputStream* target, Run& run) {
  const auto flags = static_cast<GOutputStreamSpliceFlags>(G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE |
                                                           G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET);
  ++run.open;
  g_output_stream_splice_async(target, source, flags, G_PRIORITY_DEFAULT, run.stop, OnEnd, &run);
}

std::string Text(GOutputStream* memory) {
  auto* stream = G_MEMORY_OUTPUT_STREAM(memory);
  const auto* data = static_cast<const char*>(g_memory_output_stream_get_data(stream));
  return {data, data + g_memory_output_stream_get_data_size(stream)};
}

// Reads and writes on a main loop of this thread's own.
void Communicate(GSubprocess* process, std::string_view input, unsigned timeout_seconds, Run& run,
                 ProcessResult& result) {
  GMainContext* context = g_main_context_new();
  g_main_context_push_thread_default(context);
  run.loop = g_main_loop_new(context, FALSE);
  run.stop = g_cancellable_new();
  GSource* timer = g_timeout_source_new_seconds(timeout_seconds);
  g_source_set_callback(timer, OnTimeout, &run, nullptr);
  g_source_attach(timer, context);
  std::unique_ptr<GInputStream, Unref> words(g_memory_input_stream_new_from_data(
      input.data(), static_cast<gssize>(input.size()), nullptr));
  const Stream out(g_memory_output_stream_new_resizable());
  const Stream err(g_memory_output_stream_new_resizable());
  Pour(words.get(), g_subprocess_get_stdin_pipe(process), run);
  Pour(g_subprocess_get_stdout_pipe(process), out.get(), run);
  Pour(g_subprocess_get_stderr_pipe(process), err.get(), run);
  g_main_loop_run(run.loop);
  result.out = Text(out.get());
  result.err = Text(err.get());
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
  words.reserve(argv.size() + 1);
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
  ProcessResult result;
  Communicate(process.get(), input, timeout_seconds, run, result);
  if (run.timed_out) {
    g_subprocess_force_exit(process.get());
    g_subprocess_wait(process.get(), nullptr, nullptr);
    return Error{ErrorCode::kEnvironment,
                 fmt::format("no answer within {} seconds", timeout_seconds), argv[0], ""};
  }
  g_subprocess_wait(process.get(), nullptr, nullptr);
  result.exit_code = g_subprocess_get_if_exited(process.get())
                         ? g_subprocess_get_exit_status(process.get())
                         : 128 + g_subprocess_get_term_sig(process.get());
  return result;
}

std::string LastLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  text.erase(0, text.rfind('\n') + 1);
  return Printable(text);
}

std::string ShellQuoted(const std::string& word) {
  char* quoted = g_shell_quote(word.c_str());
  std::string text = quoted;
  g_free(quoted);
  return text;
}

}  // namespace edet::deploy
