#include "format/reader.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "format/delimited_reader.h"
#include "format/json_reader.h"
#include "format/kafka_reader.h"

namespace penstock::format {
namespace {

class NoneReader final : public ValueReader {
 public:
  void decode(std::span<const ByteView> values, data::Selection rows,
              std::span<data::Column* const> out, data::Arena&, RowFailures&) override {
    for (data::Column* column : out) {
      if (column == nullptr) continue;
      column->reset(values.size());
      for (data::RowIndex row : rows) column->set_null(row);
    }
  }
};

Result<> check_unwrapped(const data::Schema& columns) {
  if (columns.columns.size() == 1) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("values without a wrapping object need exactly one column, not {}",
                          columns.columns.size()));
}

}  // namespace

Result<std::unique_ptr<ValueReader>> make_reader(const data::Schema& columns,
                                                 const std::vector<bool>& used,
                                                 const Options& options) {
  CHECK(used.size() == columns.columns.size());
  if (columns.columns.empty() && options.kind != Kind::json) return std::make_unique<NoneReader>();
  switch (options.kind) {
    case Kind::json:
      if (options.unwrapped) TRY(check_unwrapped(columns));
      return std::make_unique<JsonReader>(columns, used, options.unwrapped);
    case Kind::delimited:
      TRY(check_delimited_columns(columns));
      return std::make_unique<DelimitedReader>(columns.columns.size(), options.delimiter);
    case Kind::kafka:
      TRY(check_kafka_columns(columns));
      return std::make_unique<KafkaReader>();
    case Kind::none:
      return std::make_unique<NoneReader>();
  }
  std::unreachable();
}

}  // namespace penstock::format
