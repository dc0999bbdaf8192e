// C++14.
#pragma once

namespace edet {
namespace parser {

// Whether this process is DeepStream 9.0 or later, whose objects have 28 bytes (24 before). Found
// out when the library is loaded: the environment's EDET_PARSER_OBJECT_BYTES (24 or 28), else what
// nvds_version() of the process or of one of its loaded DeepStream libraries answers, else 24.
// Constant from then on.
bool HostHas28ByteObjects();

}  // namespace parser
}  // namespace edet
