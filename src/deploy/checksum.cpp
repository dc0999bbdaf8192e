#include "deploy/checksum.h"

#include <glib.h>

namespace edet::deploy {

std::string Sha256(std::string_view bytes) {
  GChecksum* checksum = g_checksum_new(G_CHECKSUM_SHA256);
  g_checksum_update(checksum, reinterpret_cast<const guchar*>(bytes.data()),
                    static_cast<gssize>(bytes.size()));
  std::string text = g_checksum_get_string(checksum);
  g_checksum_free(checksum);
  return text;
}

}  // namespace edet::deploy
