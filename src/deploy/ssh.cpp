#include "deploy/ssh.h"

#include <fmt/format.h>
#include <gio/gio.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/interruption.h"

namespace edet::deploy {
namespace fs = std::filesystem;
namespace {

constexpr unsigned kConnectSeconds = 20;
constexpr int kConnectionFailed = 255;  // ssh's own exit code

// ssh's messages, their cause, and what helps.
struct Reason {
  const char *says, *what, *hint;
};
constexpr Reason kReasons[] = {
    {"REMOTE HOST IDENTIFICATION HAS CHANGED", "the device's host key is not the one that is known",
     "if the device was set up anew, remove the old key with 'ssh-keygen -R HOST' and connect once "
     "with ssh; if not, somebody else answers"},
    {"Host key verification failed", "the device's host key is unknown",
     "connect once with ssh, compare the key and accept it"},
    {"Permission denied", "the device does not accept your key",
     "copy it with ssh-copy-id; edet never asks for a password"},
    {"Could not resolve hostname", "there is no host of this name",
     "check the name, or ~/.ssh/config"},
    {"Connection refused", "nothing listens for ssh on the device",
     "is sshd running, is the port right?"},
    {"timed out", "the device does not answer", "is it on, and on this network?"},
    {"No route to host", "the device does not answer", "is it on, and on this network?"},
};

Error ConnectionError(const std::string& host, const std::string& messages) {
  for (const Reason& reason : kReasons) {
    if (messages.find(reason.says) != std::string::npos)
      return {ErrorCode::kEnvironment, reason.what, host, reason.hint};
  }
  return {ErrorCode::kEnvironment, "cannot connect: " + LastLine(messages), host,
          "try 'ssh " + host + "' by itself"};
}

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};

}  // namespace

Result<Destination> ParseDestination(const std::string& text) {
  Destination destination;
  // The colons of "user@[2001:db8::1]:/folder" within the brackets separate nothing.
  const size_t open = text.find('['), close = text.find(']');
  const bool bracketed = (open == 0 || (open != std::string::npos && text[open - 1] == '@')) &&
                         close != std::string::npos && open < close;
  const size_t colon = text.find(':', bracketed ? close : 0);
  destination.host = text.substr(0, colon);
  if (bracketed && close + 1 == destination.host.size()) {  // ssh takes the address alone
    destination.host.pop_back();
    destination.host.erase(open, 1);
  }
  if (colon != std::string::npos) destination.directory = text.substr(colon + 1);
  std::string& directory = destination.directory;
  // A relative folder is in the user's home.
  if (directory == "~" || directory == "~/") directory = ".";
  if (directory.rfind("~/", 0) == 0) directory.erase(0, 2);
  const std::string& host = destination.host;
  const bool odd = host.empty() || host[0] == '-' || host[0] == '@' || host.back() == '@' ||
                   host.find_first_of(" \t\n'\"\\[]") != std::string::npos;
  const bool odd_folder = directory.find('\n') != std::string::npos ||
                          (!directory.empty() && (directory[0] == '-' || directory[0] == '~'));
  if (!odd && !odd_folder) return destination;
  return Error{ErrorCode::kInvalidArgument, "not a device: '" + text + "'", "",
               "give user@host or user@host:/folder"};
}

struct SshConnection::Impl {
  std::string host;
  fs::path config;
  fs::path folder;                             // of the control socket, and of nothing else
  std::unique_ptr<GSubprocess, Unref> master;  // keeps the connection
  std::unique_ptr<AtInterruption> removal;

  fs::path socket() const { return folder / "s"; }
  // What every call of ssh gets. What a user's configuration may say about these is overruled.
  std::vector<std::string> Command() const {
    std::vector<std::string> words = {"ssh"};
    if (!config.empty()) words.insert(words.end(), {"-F", config.string()});
    for (const char* option :
         {"BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=15", "ForwardAgent=no",
          "ForwardX11=no", "ClearAllForwardings=yes", "RequestTTY=no", "ServerAliveInterval=5",
          "ServerAliveCountMax=4", "LogLevel=ERROR"})
      words.insert(words.end(), {"-o", option});
    words.insert(words.end(), {"-S", socket().string()});
    return words;
  }
  Status Start();
  Status WaitForSocket();
  ~Impl();
};

Status SshConnection::Impl::Start() {
  // A socket's name has 108 bytes at the most, of which ssh wants some for itself.
  constexpr size_t kLongestFolder = 60;
  std::error_code failed;
  fs::path base = fs::temp_directory_path(failed);
  if (failed || base.string().size() > kLongestFolder) base = "/tmp";
  std::string name = (base / "edet-ssh-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    return Error{ErrorCode::kIo, "cannot make a temporary folder", name, ""};
  folder = name;
  std::vector<std::string> words = Command();
  words.insert(words.end(),
               {"-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-N", "--", host});
  std::vector<const char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  GError* error = nullptr;
  std::unique_ptr<GSubprocessLauncher, Unref> launcher(
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE));
  g_subprocess_launcher_set_stdin_file_path(launcher.get(), "/dev/null");
  g_subprocess_launcher_set_stdout_file_path(launcher.get(), "/dev/null");
  g_subprocess_launcher_set_stderr_file_path(launcher.get(), (folder / "messages").c_str());
  master.reset(g_subprocess_launcher_spawnv(launcher.get(), argv.data(), &error));
  if (!master) {
    Error failed{ErrorCode::kEnvironment, std::string("cannot start ssh: ") + error->message, "",
                 "install the package openssh-client"};
    g_clear_error(&error);
    return failed;
  }
  const char* process = g_subprocess_get_identifier(master.get());
  removal = std::make_unique<AtInterruption>(
      [socket_folder = folder, id = process != nullptr ? std::atoi(process) : 0] {
        if (id > 0) kill(id, SIGTERM);
        std::error_code ignored;
        fs::remove_all(socket_folder, ignored);
      });
  return WaitForSocket();
}

Status SshConnection::Impl::WaitForSocket() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kConnectSeconds);
  std::error_code ignored;
  while (!fs::exists(socket(), ignored)) {
    // Empty as soon as the process has ended.
    const bool ended = g_subprocess_get_identifier(master.get()) == nullptr;
    if (ended || std::chrono::steady_clock::now() > end) {
      gchar* text = nullptr;
      g_file_get_contents((folder / "messages").c_str(), &text, nullptr, nullptr);
      const std::string messages = text != nullptr ? text : "";
      g_free(text);
      return ConnectionError(host, ended ? messages : "timed out");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {};
}

SshConnection::Impl::~Impl() {
  if (master) {
    g_subprocess_send_signal(master.get(), SIGTERM);
    g_subprocess_wait(master.get(), nullptr, nullptr);
  }
  std::error_code ignored;
  if (!folder.empty()) fs::remove_all(folder, ignored);
}

SshConnection::SshConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SshConnection::SshConnection(SshConnection&&) noexcept = default;
SshConnection& SshConnection::operator=(SshConnection&&) noexcept = default;
SshConnection::~SshConnection() = default;

Result<SshConnection> SshConnection::Open(const std::string& host, const fs::path& config) {
  // A connection that breaks off while something is written to it is an error, not our end.
  std::signal(SIGPIPE, SIG_IGN);
  auto impl = std::make_unique<Impl>();
  impl->host = host;
  impl->config = config;
  EDET_RETURN_IF_ERROR(impl->Start());
  return SshConnection(std::move(impl));
}

Result<ProcessResult> SshConnection::Run(const std::string& script,
                                         const std::vector<std::string>& arguments,
                                         std::string_view input, unsigned timeout_seconds) {
  std::string command = "exec sh -c " + ShellQuoted(script) + " edet";
  for (const std::string& argument : arguments) command += " " + ShellQuoted(argument);
  // Through the master alone: without it there is no connection, and no new one is tried.
  std::vector<std::string> words = impl_->Command();
  words.insert(words.end(),
               {"-o", "ControlMaster=no", "-o", "ProxyCommand=false", "--", impl_->host, command});
  EDET_ASSIGN_OR_RETURN(ProcessResult result, RunProcess(words, input, timeout_seconds));
  if (result.exit_code != kConnectionFailed) return result;
  return Error{ErrorCode::kEnvironment, "the connection broke off", impl_->host,
               "run the command again: it goes on where it stopped"};
}

}  // namespace edet::deploy
