#include "session/print_query.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "session/limits.h"

namespace penstock::session {
namespace {

// PSR-1 records begin with COSE_Encrypt0's tag and a protected header of 19 bytes, grants with
// COSE_Sign1's tag (psr1, Record and Grant).
bool is_sealed(ByteView bytes) {
  const auto begins = [&](std::initializer_list<std::uint8_t> with) {
    return bytes.size() >= with.size() && std::equal(with.begin(), with.end(), bytes.begin());
  };
  return begins({0xd0, 0x83, 0x53}) || begins({0xd2, 0x84});
}

// Well-formed UTF-8 without control characters but tab and line breaks.
bool is_readable(ByteView bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint8_t first = bytes[at];
    if (first < 0x80) {
      if (first < 0x20 && first != '\t' && first != '\n' && first != '\r') return false;
      ++at;
      continue;
    }
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || at + more >= bytes.size()) return false;
    for (std::size_t i = 1; i <= more; ++i) {
      if ((bytes[at + i] & 0xc0) != 0x80) return false;
    }
    const std::uint8_t second = bytes[at + 1];
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
      return false;
    }
    at += more + 1;
  }
  return true;
}

data::Value as_value(Slice bytes) {
  auto text = shown(bytes);
  if (!text) return data::Null{};
  return *std::move(text);
}

class PrintQuery final : public engine::PushQuery {
 public:
  PrintQuery(topics::Log& log, std::vector<std::unique_ptr<topics::Reader>> readers,
             std::optional<std::int64_t> limit)
      : log_(log), readers_(std::move(readers)), limit_(limit) {
    using data::ColumnSchema;
    using data::Type;
    using data::TypeKind;
    schema_.columns = {ColumnSchema{"KEY", Type(TypeKind::string)},
                       ColumnSchema{"VALUE", Type(TypeKind::string)},
                       ColumnSchema{"TIMESTAMP", Type(TypeKind::bigint)},
                       ColumnSchema{"PARTITION", Type(TypeKind::integer)},
                       ColumnSchema{"OFFSET", Type(TypeKind::bigint)}};
    for (const auto& reader : readers_) waiting_.push_back(reader.get());
  }

  const data::Schema& schema() const override { return schema_; }

  Rows next(std::size_t rows_max, topics::Deadline deadline) override {
    Rows out;
    while (!finish(out)) {
      if (auto read = give(rows_max, out); !read) {
        out.done = true;
        out.error = std::move(read).error();
        return out;
      }
      if (!out.rows.empty()) break;
      auto more = log_.wait(waiting_, deadline);
      if (!more) {
        out.done = true;
        out.error = std::move(more).error();
        return out;
      }
      if (!*more && std::chrono::steady_clock::now() >= deadline) break;
    }
    finish(out);
    return out;
  }

  void cancel() override {
    cancelled_ = true;
    log_.wake();
  }

 private:
  // Whether the query is over; says so in `out`.
  bool finish(Rows& out) const {
    if (limit_ && given_ >= *limit_) {
      out.done = out.limit_reached = true;
    } else if (cancelled_) {
      out.done = true;
      out.error = Error(ErrorCode::cancelled, "PRINT was ended");
    }
    return out.done;
  }

  // Rows of the buffered batch, then of the next partition that has some.
  Result<> give(std::size_t rows_max, Rows& out) {
    for (std::size_t tried = 0; tried <= readers_.size(); ++tried) {
      while (row_ < buffer_.size() && out.rows.size() < rows_max &&
             !(limit_ && given_ >= *limit_)) {
        out.rows.push_back(row_at(row_++));
        ++given_;
      }
      if (!out.rows.empty()) return {};
      current_ = (current_ + 1) % readers_.size();
      row_ = 0;
      TRY(readers_[current_]->next(buffer_, kPrintReadBytes));
    }
    return {};
  }

  Row row_at(std::size_t row) const {
    return {as_value(buffer_.keys[row]), as_value(buffer_.values[row]),
            std::int64_t{buffer_.timestamps_ms[row]}, static_cast<std::int32_t>(current_),
            std::int64_t{buffer_.offsets[row]}};
  }

  topics::Log& log_;
  std::vector<std::unique_ptr<topics::Reader>> readers_;  // one per partition
  std::vector<topics::Reader*> waiting_;
  const std::optional<std::int64_t> limit_;
  data::Schema schema_;
  topics::ReadBuffer buffer_;
  std::size_t current_ = 0, row_ = 0;
  std::int64_t given_ = 0;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

std::optional<std::string> shown(Slice bytes) {
  if (bytes.is_null()) return std::nullopt;
  if (is_sealed(bytes.bytes())) return fmt::format("<sealed, {} bytes>", bytes.size);
  if (bytes.size > kPrintTextBytesMax || !is_readable(bytes.bytes())) {
    return fmt::format("<{} bytes>", bytes.size);
  }
  return std::string(as_text(bytes.bytes()));
}

Result<std::unique_ptr<engine::PushQuery>> start_print(topics::Log& log,
                                                       const sql::PrintTopic& print) {
  const auto topic = TRY(topics::TopicName::parse(print.topic));
  auto info = log.describe(topic);
  if (!info) {
    return fail(info.error().code(), fmt::format("PRINT '{}': {}. SHOW TOPICS lists what is there.",
                                                 print.topic, info.error().text()));
  }
  std::vector<std::unique_ptr<topics::Reader>> readers;
  for (std::size_t i = 0; i < info->partitions.size(); ++i) {
    const auto& range = info->partitions[i];
    readers.push_back(TRY(log.reader({topic, static_cast<std::int32_t>(i)},
                                     print.from_beginning ? range.first : range.end)));
  }
  return std::make_unique<PrintQuery>(log, std::move(readers), print.limit);
}

}  // namespace penstock::session
