// links: format data base
// Lines of input are records of one stream. The general and the predicted path must agree on every
// one, on what they decode and on what they refuse; what is taken can be written and read back.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "data/arena.h"
#include "data/value.h"
#include "format/json_reader.h"
#include "format/json_writer.h"

namespace {

using namespace penstock;

data::Schema make_schema() {
  using data::TypeKind;
  data::Schema schema;
  auto add = [&](const char* name, data::Type type) {
    schema.columns.push_back({name, std::move(type), data::ColumnRole::value});
  };
  add("ID", data::Type(TypeKind::bigint));
  add("N", data::Type(TypeKind::integer));
  add("PRICE", *data::Type::decimal(10, 2));
  add("RATE", data::Type(TypeKind::double_));
  add("NAME", data::Type(TypeKind::string));
  add("OK", data::Type(TypeKind::boolean));
  add("RAW", data::Type(TypeKind::bytes));
  const data::Type text(TypeKind::string), integer(TypeKind::integer);
  add("L", data::Type::array(integer));
  add("M", data::Type::map(text, data::Type::array(text)));
  add("S", data::Type::structure({{"A", integer}, {"b", data::Type::map(text, text)}}));
  return schema;
}

// One batch's columns and failures.
struct Decoded {
  std::vector<std::unique_ptr<data::Column>> columns;
  std::vector<data::Column*> views;
  data::Arena arena;
  format::RowFailures failures;

  explicit Decoded(const data::Schema& schema) {
    for (const data::ColumnSchema& column : schema.columns) {
      columns.push_back(std::make_unique<data::Column>(column.type));
      views.push_back(columns.back().get());
    }
  }
};

std::vector<ByteView> split_lines(ByteView bytes) {
  std::vector<ByteView> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= bytes.size(); ++i) {
    if (i < bytes.size() && bytes[i] != '\n') continue;
    lines.push_back(bytes.subspan(begin, i - begin));
    begin = i + 1;
  }
  return lines;
}

void require(bool condition) {
  if (!condition) std::abort();
}

void require_equal(const Decoded& a, const Decoded& b, std::size_t rows) {
  require(a.failures.entries().size() == b.failures.entries().size());
  for (std::size_t i = 0; i < a.failures.entries().size(); ++i) {
    require(a.failures.entries()[i].row == b.failures.entries()[i].row);
    require(a.failures.entries()[i].reason == b.failures.entries()[i].reason);
  }
  for (std::size_t c = 0; c < a.columns.size(); ++c)
    for (std::size_t row = 0; row < rows; ++row)
      require(data::value_at(*a.columns[c], row) == data::value_at(*b.columns[c], row));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::vector<std::uint8_t> padded(size + format::kReadPadding, '"');
  if (size > 0) std::memcpy(padded.data(), bytes, size);
  std::vector<ByteView> records = split_lines({padded.data(), size});
  std::vector<data::RowIndex> rows(records.size());
  std::iota(rows.begin(), rows.end(), 0);

  const data::Schema schema = make_schema();
  const std::vector<bool> used(schema.columns.size(), true);
  format::JsonReader general(schema, used, false), predicting(schema, used, false);
  general.set_prediction(false);
  Decoded expected(schema), seen(schema), again(schema);
  general.decode(records, rows, expected.views, expected.arena, expected.failures);
  predicting.decode(records, rows, seen.views, seen.arena, seen.failures);
  require_equal(expected, seen, records.size());

  std::vector<const data::Column*> columns(seen.views.begin(), seen.views.end());
  format::JsonWriter writer(schema, false);
  format::EncodedRows out;
  data::RowErrors errors;
  writer.encode(columns, rows, out, errors);
  require(errors.empty() && out.size() == records.size());
  out.room(format::kReadPadding);
  std::vector<ByteView> written;
  for (std::size_t i = 0; i < out.size(); ++i) written.push_back(out[i].bytes());
  predicting.decode(written, rows, again.views, again.arena, again.failures);
  require(again.failures.empty());
  for (std::size_t c = 0; c < columns.size(); ++c)
    for (data::RowIndex row : rows)
      require(data::value_at(*again.columns[c], row) == data::value_at(*seen.columns[c], row));
  return 0;
}
