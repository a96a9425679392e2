#include "format/writer.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/secret.h"
#include "format/delimited_reader.h"
#include "format/delimited_writer.h"
#include "format/json_writer.h"
#include "format/kafka_reader.h"
#include "format/kafka_writer.h"

namespace penstock::format {
namespace {

constexpr std::size_t kFirstBytes = 64 << 10;

class NoneWriter final : public ValueWriter {
 public:
  void encode(std::span<const data::Column* const>, data::Selection rows, EncodedRows& out,
              data::RowErrors&) override {
    for (std::size_t i = 0; i < rows.size(); ++i) out.end_null_row();
  }
};

Result<> check_columns(const data::Schema& columns, const Options& options) {
  if (options.kind == Kind::delimited) return check_delimited_columns(columns);
  if (options.kind == Kind::kafka) return check_kafka_columns(columns);
  if (options.kind == Kind::json && options.unwrapped && columns.columns.size() != 1)
    return fail(ErrorCode::invalid_argument,
                fmt::format("values without a wrapping object need exactly one column, not {}",
                            columns.columns.size()));
  return {};
}

}  // namespace

void EncodedRows::clear() {
  used_ = 0;
  ends_.clear();
  nulls_.clear();
}

std::uint8_t* EncodedRows::room(std::size_t n) {
  // Never without memory: an empty row that is not null must have an address.
  if (bytes_.size() <= used_ + n) [[unlikely]] {
    ByteBuffer larger(std::bit_ceil(std::max(used_ + n + 1, kFirstBytes)));
    std::copy_n(bytes_.begin(), used_, larger.begin());
    wipe({bytes_.data(), used_});  // the owner can wipe only what it sees
    bytes_ = std::move(larger);
  }
  return bytes_.data() + used_;
}

bool EncodedRows::end_row(std::size_t row_bytes) {
  CHECK(row_bytes <= bytes_.size() - used_);
  if (used_ + row_bytes > std::numeric_limits<std::uint32_t>::max()) {
    end_null_row();
    return false;
  }
  used_ += row_bytes;
  ends_.push_back(static_cast<std::uint32_t>(used_));
  nulls_.push_back(0);
  return true;
}

void EncodedRows::end_null_row() {
  ends_.push_back(static_cast<std::uint32_t>(used_));
  nulls_.push_back(1);
}

Result<std::unique_ptr<ValueWriter>> make_writer(const data::Schema& columns,
                                                 const Options& options) {
  if (options.kind == Kind::none || (columns.columns.empty() && options.kind != Kind::json))
    return std::make_unique<NoneWriter>();
  TRY(check_columns(columns, options));
  switch (options.kind) {
    case Kind::json:
      return std::make_unique<JsonWriter>(columns, options.unwrapped);
    case Kind::delimited:
      return std::make_unique<DelimitedWriter>(options.delimiter);
    case Kind::kafka:
      return std::make_unique<KafkaWriter>();
    case Kind::none:
      break;
  }
  std::unreachable();
}

}  // namespace penstock::format
