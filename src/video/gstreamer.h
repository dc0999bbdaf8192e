// What all users of GStreamer in this room share: start, references, errors in this program's form.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::video {

struct Unref {
  void operator()(void* object) const { gst_object_unref(object); }
};
template <typename T>
using GstOwned = std::unique_ptr<T, Unref>;

// Starts GStreamer once. Errors: Environment.
Status StartGStreamer();

// Errors: Environment, naming the element and the Debian package that holds it.
Status RequireElements(const std::vector<std::string>& elements);

// An error or missing-plugin message as an Error: Environment where a plugin lacks, else Corrupt.
// `where` names the file. The message stays the caller's.
Error ErrorOf(GstMessage* message, const std::string& where);

}  // namespace edet::video
