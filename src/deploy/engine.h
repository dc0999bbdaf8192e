#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "deploy/bundle.h"
#include "deploy/ssh.h"

namespace edet::deploy {

// The options of trtexec that build a bundle's engine as nvinfer would, without what depends on
// trtexec's version: "--onnx=model.onnx", "--fp16", ... Errors: Corrupt (configuration or record
// of the bundle), Unsupported.
Result<std::vector<std::string>> TrtexecOptions(const Bundle& bundle);

// Builds it on the device under its own name, if it is not there yet; gives whether it was built.
// Errors: TrtexecOptions'; Environment, with trtexec's own words.
Result<bool> BuildWithTrtexec(SshConnection& device, const std::string& directory,
                              const std::string& trtexec, const Bundle& bundle,
                              unsigned timeout_seconds);

// Whether the device's TensorRT takes the engine that is there. Errors: Findings; Environment.
Status LoadWithTrtexec(SshConnection& device, const std::string& directory,
                       const std::string& trtexec, const Bundle& bundle, unsigned timeout_seconds);

}  // namespace edet::deploy
