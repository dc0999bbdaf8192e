#pragma once

#include <string>
#include <vector>

#include "cli/machine.h"

namespace edet::cli {

// The table that `edet doctor` prints, one line per check, each missing thing followed by its fix,
// and a last line per job that says whether this machine can do it. `version` is edet's own.
std::string DoctorTable(const std::vector<Check>& checks, const std::string& version);

// The same for programs: {"edet", "jobs": {"convert": true, ...}, "checks": [{"group", "name",
// "state", ...}]}.
std::string DoctorJson(const std::vector<Check>& checks, const std::string& version);

// 0 if nothing that a job needs is missing, else 4.
int DoctorExitCode(const std::vector<Check>& checks);

}  // namespace edet::cli
