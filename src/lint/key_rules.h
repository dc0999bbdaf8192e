#pragma once

#include "deepstream/key_table.h"
#include "lint/report.h"

namespace edet::lint {

// Lines that GLib refuses, keys set twice, groups begun twice.
void CheckSyntax(const ConfigText& file, Report& report);

// YAML on a DeepStream that reads key files only.
void CheckForm(const ConfigText& file, Report& report);

// Names, types, limits and versions of every key, by the parser's own table. Groups that `is_read`
// denies are passed over, as the parser does.
void CheckKeys(const ConfigText& file, const deepstream::KeyTable& table,
               bool (*is_read)(const ConfigText& file, const Group& group), Report& report);

}  // namespace edet::lint
