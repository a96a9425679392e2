#include "sql/stream_info.h"

namespace penstock::sql {

std::string_view name_of(FormatKind format) {
  switch (format) {
    case FormatKind::json:
      return "JSON";
    case FormatKind::delimited:
      return "DELIMITED";
    case FormatKind::kafka:
      return "KAFKA";
    case FormatKind::none:
      return "NONE";
  }
  return "";
}

bool passes_headers(const StreamInfo& from, const StreamInfo& to) {
  if (to.headers) return *to.headers == HeaderRule::pass;
  return from.seal.kind == SealKind::none;
}

}  // namespace penstock::sql
