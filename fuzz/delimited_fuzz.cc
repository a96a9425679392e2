// links: format data base
// A record that is taken is written and read back with the same values. The first byte chooses the
// delimiter.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "data/arena.h"
#include "data/value.h"
#include "format/delimited_reader.h"
#include "format/delimited_writer.h"
#include "format/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penstock;
  if (size == 0) return 0;
  const char delimiter = ",\t |"[bytes[0] % 4];
  std::vector<std::uint8_t> padded(size - 1 + format::kReadPadding, '"');
  if (size > 1) std::memcpy(padded.data(), bytes + 1, size - 1);
  const ByteView record(padded.data(), size - 1);

  data::Column columns[] = {data::Column(data::Type(data::TypeKind::string)),
                            data::Column(data::Type(data::TypeKind::bigint)),
                            data::Column(data::Type(data::TypeKind::double_)),
                            data::Column(*data::Type::decimal(12, 3))};
  data::Column* out[] = {&columns[0], &columns[1], &columns[2], &columns[3]};
  const data::RowIndex rows[] = {0};
  data::Arena arena;
  format::RowFailures failures;
  format::DelimitedReader reader(4, delimiter);
  reader.decode({&record, 1}, rows, out, arena, failures);
  if (!failures.empty()) return 0;
  std::vector<data::Value> values;
  for (const data::Column& column : columns) values.push_back(data::value_at(column, 0));

  format::DelimitedWriter writer(delimiter);
  format::EncodedRows encoded;
  data::RowErrors errors;
  const data::Column* in[] = {&columns[0], &columns[1], &columns[2], &columns[3]};
  writer.encode(in, rows, encoded, errors);
  if (!errors.empty() || encoded.size() != 1) std::abort();
  encoded.room(format::kReadPadding);
  const ByteView written = encoded[0].bytes();
  reader.decode({&written, 1}, rows, out, arena, failures);
  if (!failures.empty()) std::abort();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (data::value_at(columns[i], 0) != values[i]) std::abort();
  return 0;
}
