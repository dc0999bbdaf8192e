#include "deepstream/config_stamp.h"

#include <fmt/format.h>
#include <glib.h>

#include <memory>

namespace edet::deepstream {
namespace {

constexpr std::string_view kStart = "# As edet wrote it: ";

std::string StampOf(std::string_view text) {
  constexpr size_t kDigits = 16;
  const std::unique_ptr<gchar, decltype(&g_free)> sum(
      g_compute_checksum_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(text.data()),
                                  text.size()),
      g_free);
  return fmt::format("{}{}\n", kStart, std::string_view(sum.get()).substr(0, kDigits));
}

}  // namespace

std::string Stamped(std::string text) { return text + StampOf(text); }

bool IsAsWritten(std::string_view text) {
  const size_t stamp = text.rfind(kStart);
  return stamp != std::string_view::npos && text.substr(stamp) == StampOf(text.substr(0, stamp));
}

}  // namespace edet::deepstream
