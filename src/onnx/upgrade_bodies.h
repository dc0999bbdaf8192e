#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace edet::onnx_format {

// The bodies of an If, Loop or Scan: `attribute` is the serialized AttributeProto that holds them.
// Brings their operators, at any depth, from an older opset into the forms of opset 13 to 17:
// parameters that were attributes become constants of the body. Error: Unsupported, naming the
// operator and `owner`, for an operator whose older (or opset 18) form cannot be said that way.
Status UpgradeBodies(std::string& attribute, int64_t from_opset, const std::string& owner);

// For writing opset 11 and 12: Unsupported where a body has an operator in a form of opset 13.
Status CheckBodiesForOpset(const std::string& attribute, int64_t to_opset,
                           const std::string& owner);

}  // namespace edet::onnx_format
