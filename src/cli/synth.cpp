#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "video/scene.h"

namespace edet::cli {

namespace {

// "640x360", and nothing else.
bool ParseSize(const std::string& text, unsigned& width, unsigned& height) {
  const char* end = text.data() + text.size();
  auto first = std::from_chars(text.data(), end, width);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != 'x') return false;
  auto second = std::from_chars(first.ptr + 1, end, height);
  return second.ec == std::errc() && second.ptr == end;
}

}  // namespace

void AddSynthCommand(CLI::App& app, Session& session) {
  CLI::App* command =
      app.add_subcommand("synth", "Draw a clip of a street, with the boxes that belong to it");
  auto options = std::make_shared<video::SceneOptions>();
  auto size = std::make_shared<std::string>("640x360");
  command
      ->add_option("-o,--output", options->path,
                   "The video (mp4); its truth, in COCO's form, gets the same name and .json")
      ->required();
  command->add_option("--frames", options->frames, "Frames, 25 a second")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command->add_option("--seed", options->seed, "Another seed, another street")
      ->capture_default_str();
  command->add_option("--size", *size, "WIDTHxHEIGHT in pixels, even")->capture_default_str();
  command->callback([options, size, &session] {
    if (!ParseSize(*size, options->width, options->height)) {
      throw CommandFailed{Error{ErrorCode::kInvalidArgument, "not a size: " + *size, "--size",
                                "write for example 640x360"}};
    }
    const auto truth = video::WriteScene(*options);
    if (!truth.ok()) throw CommandFailed{truth.error()};
    if (!session.quiet)
      std::printf("wrote        %s\nwrote        %s\n", options->path.c_str(), truth->c_str());
  });
}

}  // namespace edet::cli
