#include "connect/mqtt/payload_fields.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "base/log.h"
#include "connect/mqtt/option_list.h"
#include "crypto/sha.h"
#include "format/limits.h"

namespace penstock::connect::mqtt {
namespace {

constexpr std::uint8_t kPlaceKey = 'n', kNameKey = 'w';
// Before 1973: seconds, or a clock that counts from its start. And far ahead of the receipt.
constexpr data::TimestampMs kEarly_ms = 100'000'000'000;
constexpr data::TimestampMs kFarOff_ms = 366LL * 24 * 3600 * 1000;

ByteBuffer number_bytes(std::uint8_t first, std::uint64_t number) {
  ByteBuffer out{first};
  for (int shift = 56; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(number >> shift));
  return out;
}

std::uint64_t number_of(ByteView bytes) {
  std::uint64_t out = 0;
  for (const std::uint8_t byte : bytes) out = out << 8 | byte;
  return out;
}

}  // namespace

KeyRule key_rule(std::string_view option) {
  if (option == "topic") return KeyRule::topic;
  return option == "none" ? KeyRule::none : KeyRule::field;
}

std::size_t RepeatWindow::Hash::operator()(const Name& name) const {
  std::size_t out = 0;
  std::memcpy(&out, name.data(), sizeof out);
  return out;
}

Result<> RepeatWindow::restore(const std::vector<std::pair<ByteBuffer, ByteBuffer>>& state) {
  for (const auto& [key, value] : state) {
    const std::uint64_t number = key.size() == 9 ? number_of(ByteView(key).subspan(1)) : 0;
    if (key.size() == 1 && key[0] == kPlaceKey && value.size() == 8) {
      next_ = number_of(value) % ring_.size();
    } else if (key.size() == 9 && key[0] == kNameKey && value.size() == sizeof(Name)) {
      if (number >= ring_.size()) continue;  // the window was made smaller
      Slot& slot = ring_[number];
      std::ranges::copy(value, slot.name.begin());
      slot.used = true;
      names_.insert(slot.name);
    } else {
      return fail(ErrorCode::corrupt, "stored names of messages: an unknown entry");
    }
  }
  return {};
}

bool RepeatWindow::add(const Name& name, std::vector<engine::StateChange>& changes) {
  if (names_.contains(name)) return false;
  Slot& slot = ring_[next_];
  if (slot.used) names_.erase(slot.name);
  slot = {.name = name, .used = true};
  names_.insert(name);
  changes.push_back({number_bytes(kNameKey, next_), ByteBuffer(name.begin(), name.end())});
  next_ = (next_ + 1) % ring_.size();
  return true;
}

void RepeatWindow::store_place(std::vector<engine::StateChange>& changes) const {
  ByteBuffer place = number_bytes(kPlaceKey, next_);
  place.erase(place.begin());
  changes.push_back({ByteBuffer{kPlaceKey}, std::move(place)});
}

Result<std::unique_ptr<PayloadFields>> PayloadFields::of(const engine::ConnectorOptions& options) {
  std::unique_ptr<PayloadFields> out(new PayloadFields());
  data::Schema schema;
  const auto column = [&schema](std::string_view name) {
    if (const auto there = schema.find(name)) return *there;
    schema.columns.push_back(
        {.name = std::string(name), .type = data::Type(data::TypeKind::string)});
    return schema.columns.size() - 1;
  };
  if (key_rule(options.text("key")) == KeyRule::field) out->key_ = column(options.text("key"));
  if (options.has("timestamp")) out->timestamp_ = column(options.text("timestamp"));
  for (const std::string& name : split_list(options.text("dedup_key")))
    out->name_.push_back(column(name));
  if (schema.columns.empty()) return std::unique_ptr<PayloadFields>();
  if (!out->name_.empty())
    out->window_ =
        std::make_unique<RepeatWindow>(static_cast<std::size_t>(options.number("dedup_window")));
  out->reader_ = TRY(format::make_reader(schema, std::vector<bool>(schema.columns.size(), true),
                                         {.kind = format::Kind::json}));
  for (const data::ColumnSchema& one : schema.columns) {
    out->columns_.push_back(std::make_unique<data::Column>(one.type));
    out->views_.push_back(out->columns_.back().get());
  }
  return out;
}

Result<> PayloadFields::restore(const std::vector<std::pair<ByteBuffer, ByteBuffer>>& state) {
  return window_ != nullptr ? window_->restore(state) : Result<>();
}

void PayloadFields::decode(const topics::RecordBatch& records) {
  text_.assign(records.values().begin(), records.values().end());
  text_.resize(text_.size() + format::kReadPadding);
  values_.clear();
  rows_.clear();
  std::size_t begin = 0;
  for (std::size_t row = 0; row < records.size(); ++row) {
    const auto value = records[row].value;
    const std::size_t bytes = value ? value->size() : 0;
    values_.push_back(value ? ByteView(text_).subspan(begin, bytes) : ByteView());
    begin += bytes;
    rows_.push_back(static_cast<data::RowIndex>(row));
  }
  arena_.reset();
  format::RowFailures failures;
  reader_->decode(values_, rows_, views_, arena_, failures);
  failed_.assign(records.size(), 0);
  for (const auto& entry : failures.entries()) failed_[entry.row] = 1;
}

std::optional<std::string_view> PayloadFields::field(std::size_t column, std::size_t row) const {
  if (failed_[row] != 0 || columns_[column]->is_null(row)) return std::nullopt;
  const data::Column& from = *columns_[column];
  return from.values<data::Text>()[row].view();
}

data::TimestampMs PayloadFields::time_of(std::size_t row, data::TimestampMs receipt_ms) {
  if (!timestamp_) return receipt_ms;
  const auto text = field(*timestamp_, row);
  data::TimestampMs time_ms = -1;
  if (text) {
    const char* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, time_ms);
    if (parsed.ec != std::errc() || parsed.ptr != end) time_ms = -1;
  }
  if (time_ms >= kEarly_ms && time_ms <= receipt_ms + kFarOff_ms) return time_ms;
  if (!std::exchange(said_absurd_, true))
    log::warning(
        "the timestamp field of a message is missing, or no time in milliseconds: such messages "
        "get the time of their receipt");
  return receipt_ms;
}

std::optional<RepeatWindow::Name> PayloadFields::name_of(std::size_t row) const {
  if (name_.empty()) return std::nullopt;
  std::string all;
  for (const std::size_t column : name_) {
    const auto text = field(column, row);
    if (!text) return std::nullopt;
    all += fmt::format("{}:", text->size());
    all += *text;
  }
  const crypto::Sha256Digest whole = crypto::sha256(as_bytes(all));
  RepeatWindow::Name out{};
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

std::size_t PayloadFields::apply(engine::SourceBatch& batch) {
  decode(batch.records);
  kept_.clear();
  std::size_t dropped = 0;
  auto refused = batch.refused.begin();
  for (std::size_t row = 0; row < batch.records.size(); ++row) {
    topics::RecordView record = batch.records[row];
    const bool is_refused = refused != batch.refused.end() && refused->first == row;
    const auto name = is_refused ? std::nullopt : name_of(row);
    if (name && !window_->add(*name, batch.state)) {
      ++dropped;
      continue;
    }
    if (is_refused) (refused++)->first = kept_.size();
    if (key_) {
      const auto key = field(*key_, row);
      record.key = key ? std::optional(as_bytes(*key)) : std::nullopt;
    }
    record.timestamp_ms = time_of(row, record.timestamp_ms);
    kept_.append(record);
  }
  if (window_ != nullptr && !batch.state.empty()) window_->store_place(batch.state);
  std::swap(batch.records, kept_);
  return dropped;
}

}  // namespace penstock::connect::mqtt
