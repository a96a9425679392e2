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

}  // namespace penstock::sql
