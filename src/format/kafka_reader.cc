#include "format/kafka_reader.h"

#include <bit>
#include <cstring>

#include <simdjson.h>

#include "base/check.h"
#include "format/limits.h"
#include "format/reasons.h"

namespace penstock::format {
namespace {

using data::Text;
using data::TypeKind;

template <typename Cell, typename Bits>
std::string_view read_big_endian(data::Column& column, data::RowIndex row, ByteView value) {
  if (value.size() != sizeof(Bits)) return reason::kWrongLength;
  Bits bits;
  std::memcpy(&bits, value.data(), sizeof bits);
  if constexpr (sizeof bits == 4)
    bits = __builtin_bswap32(bits);
  else
    bits = __builtin_bswap64(bits);
  column.values<Cell>()[row] = std::bit_cast<Cell>(bits);
  return reason::kNone;
}

std::string_view read_text(data::Column& column, data::RowIndex row, ByteView value) {
  std::string_view text = as_text(value);
  if (column.type().kind() == TypeKind::string &&
      !simdjson::validate_utf8(text.data(), text.size()))
    return reason::kInvalidUtf8;
  column.values<Text>()[row] = Text(text);
  return reason::kNone;
}

std::string_view read_primitive(data::Column& column, data::RowIndex row, ByteView value) {
  if (value.size() > kValueBytesMax) return reason::kTooLarge;
  switch (column.type().kind()) {
    case TypeKind::integer:
      return read_big_endian<std::int32_t, std::uint32_t>(column, row, value);
    case TypeKind::bigint:
      return read_big_endian<std::int64_t, std::uint64_t>(column, row, value);
    case TypeKind::double_:
      return read_big_endian<double, std::uint64_t>(column, row, value);
    case TypeKind::string:
    case TypeKind::bytes:
      return read_text(column, row, value);
    default:
      break;
  }
  CHECK(false && "refused by check_columns");
  return reason::kWrongType;
}

}  // namespace

void KafkaReader::decode(std::span<const ByteView> values, data::Selection rows,
                         std::span<data::Column* const> out, data::Arena&, RowFailures& failures) {
  CHECK(out.size() == 1);
  if (out[0] == nullptr) return;
  data::Column& column = *out[0];
  column.reset(values.size());
  for (data::RowIndex row : rows) {
    if (values[row].data() == nullptr) {
      column.set_null(row);
      continue;
    }
    std::string_view why = read_primitive(column, row, values[row]);
    if (why.empty()) continue;
    failures.add(row, why);
    column.set_null(row);
  }
}

}  // namespace penstock::format
