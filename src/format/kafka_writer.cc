#include "format/kafka_writer.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "format/reasons.h"

namespace penstock::format {
namespace {

using data::Column;
using data::RowIndex;
using data::TypeKind;

template <typename Bits, typename Cell>
bool put_big_endian(EncodedRows& out, Cell value) {
  auto bits = std::bit_cast<Bits>(value);
  if constexpr (sizeof bits == 4)
    bits = __builtin_bswap32(bits);
  else
    bits = __builtin_bswap64(bits);
  std::memcpy(out.room(sizeof bits), &bits, sizeof bits);
  return out.end_row(sizeof bits);
}

bool put_bytes(EncodedRows& out, data::Text text) {
  std::uint8_t* to = out.room(text.size);
  if (text.size > 0) std::memcpy(to, text.data, text.size);
  return out.end_row(text.size);
}

bool put_cell(EncodedRows& out, const Column& column, RowIndex row) {
  switch (column.type().kind()) {
    case TypeKind::integer:
      return put_big_endian<std::uint32_t>(out, column.values<std::int32_t>()[row]);
    case TypeKind::bigint:
      return put_big_endian<std::uint64_t>(out, column.values<std::int64_t>()[row]);
    case TypeKind::double_:
      return put_big_endian<std::uint64_t>(out, column.values<double>()[row]);
    case TypeKind::string:
    case TypeKind::bytes:
      return put_bytes(out, column.values<data::Text>()[row]);
    default:
      break;
  }
  CHECK(false && "refused by check_columns");
  return false;
}

}  // namespace

void KafkaWriter::encode(std::span<const Column* const> columns, data::Selection rows,
                         EncodedRows& out, data::RowErrors& errors) {
  CHECK(columns.size() == 1);
  for (RowIndex row : rows) {
    if (columns[0]->is_null(row))
      out.end_null_row();
    else if (!put_cell(out, *columns[0], row))
      errors.add(row, reason::kTooLarge);
  }
}

}  // namespace penstock::format
