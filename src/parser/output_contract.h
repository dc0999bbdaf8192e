#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace edet::parser {

// An output of a network, as its ONNX file states it.
struct DeclaredOutput {
  std::string name;
  std::string type;            // "float32", "float16", "int32", ...
  std::vector<int64_t> shape;  // batch in front; 0: unknown
};

// A layout of output tensors that our parser library reads.
struct OutputContract {
  std::string name;      // "nms", as EDET_PARSER_CONTRACT calls it
  std::string what;      // for people
  std::string function;  // parse-bbox-func-name
};

// The contract that the parser library would choose for these tensors; nothing where it would find
// no objects in them.
std::optional<OutputContract> RecogniseOutputs(const std::vector<DeclaredOutput>& outputs);

}  // namespace edet::parser
