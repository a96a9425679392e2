#include "format/delimited_reader.h"

#include <simdjson.h>

#include "base/check.h"
#include "format/limits.h"

namespace penstock::format {
namespace {

std::string_view without_line_break(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool is_true(std::string_view text) {
  std::string_view word = "true";
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if ((text[i] | 0x20) != word[i]) return false;
  return true;
}

std::string_view halve_quotes(std::string_view text, data::Arena& arena) {
  std::span<char> out = arena.allocate(text.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out[size++] = text[i];
    if (text[i] == '"') ++i;
  }
  return {out.data(), size};
}

}  // namespace

void DelimitedReader::decode(std::span<const ByteView> values, data::Selection rows,
                             std::span<data::Column* const> out, data::Arena& arena,
                             RowFailures& failures) {
  CHECK(out.size() == columns_);
  targets_.clear();
  target_fields_.clear();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == nullptr) continue;
    out[i]->reset(values.size());
    targets_.emplace_back(*out[i]);
    target_fields_.push_back(i);
  }
  for (data::RowIndex row : rows) {
    std::string_view why;
    if (values[row].data() != nullptr) {
      why = read_record(as_text(values[row]), row, arena);
      if (why.empty()) continue;
      failures.add(row, why);
    }
    for (const Target& target : targets_) target.column->set_null(row);
  }
}

std::string_view DelimitedReader::read_record(std::string_view record, data::RowIndex row,
                                              data::Arena& arena) {
  if (record.size() > kValueBytesMax) return reason::kTooLarge;
  if (!simdjson::validate_utf8(record.data(), record.size())) return reason::kInvalidUtf8;
  if (auto why = split(without_line_break(record)); !why.empty()) return why;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    const Field& field = fields_[target_fields_[i]];
    if (field.text.empty()) {
      target.column->set_null(row);
      continue;
    }
    std::string_view text = field.doubled ? halve_quotes(field.text, arena) : field.text;
    auto why = target.kind == data::TypeKind::boolean ? read_boolean(target, row, is_true(text))
                                                      : read_string(target, row, text, arena);
    if (!why.empty()) return why;
  }
  return reason::kNone;
}

// Cuts the record into fields_.
std::string_view DelimitedReader::split(std::string_view record) {
  fields_.clear();
  std::size_t at = 0;
  while (true) {
    if (fields_.size() == columns_) return reason::kWrongColumnCount;
    if (at < record.size() && record[at] == '"') {
      if (auto why = take_quoted(record, at); !why.empty()) return why;
    } else {
      std::size_t end = std::min(record.find(delimiter_, at), record.size());
      fields_.push_back({record.substr(at, end - at), false});
      at = end;
    }
    if (at == record.size()) break;
    ++at;  // the delimiter
  }
  return fields_.size() == columns_ ? reason::kNone : reason::kWrongColumnCount;
}

// A field whose opening quote is at `at`; leaves `at` at the delimiter behind it or at the end.
std::string_view DelimitedReader::take_quoted(std::string_view record, std::size_t& at) {
  std::size_t begin = at + 1;
  bool doubled = false;
  for (at = begin;; at += 2) {
    at = record.find('"', at);
    if (at == std::string_view::npos) return reason::kMalformedQuotes;
    if (at + 1 == record.size() || record[at + 1] != '"') break;
    doubled = true;
  }
  fields_.push_back({record.substr(begin, at - begin), doubled});
  ++at;
  while (at < record.size() && record[at] != delimiter_ && record[at] == ' ') ++at;
  if (at < record.size() && record[at] != delimiter_) return reason::kMalformedQuotes;
  return reason::kNone;
}

}  // namespace penstock::format
