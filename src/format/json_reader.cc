#include "format/json_reader.h"

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"
#include "format/json_nested.h"
#include "format/json_text.h"
#include "format/nested_text.h"
#include "format/number_text.h"

namespace penstock::format {
namespace {

std::string_view text_of(ByteView record, std::uint32_t begin, std::uint32_t end) {
  return as_text(record.subspan(begin, end - begin));
}

}  // namespace

// Reads 32 bytes of the record: padding follows it.
inline bool JsonReader::Guess::is(const char* written, std::size_t written_size) const {
  if (written_size != size) return false;
  __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(written));
  __m256i b = _mm256_load_si256(reinterpret_cast<const __m256i*>(start));
  auto equal = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b)));
  if ((equal & mask) != mask) return false;
  return size <= sizeof start || std::memcmp(written, name.data(), size) == 0;
}

void JsonReader::Guess::set(std::string_view written) {
  name.assign(written);
  size = static_cast<std::uint32_t>(written.size());
  std::memcpy(start, written.data(), std::min(written.size(), sizeof start));
  mask = size >= 32 ? ~0u : (1u << size) - 1;
}

JsonReader::JsonReader(const data::Schema& columns, const std::vector<bool>& used, bool unwrapped)
    : unwrapped_(unwrapped) {
  CHECK(used.size() == columns.columns.size());
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    int slot = static_cast<int>(column_of_slot_.size());
    column_of_slot_.push_back(i);
    slots_by_name_.emplace(columns.columns[i].name, Match{slot, Rank::equal});
  }
  member_of_slot_.resize(column_of_slot_.size());
  rank_of_slot_.resize(column_of_slot_.size());
}

void JsonReader::decode(std::span<const ByteView> values, data::Selection rows,
                        std::span<data::Column* const> out, data::Arena& arena,
                        RowFailures& failures) {
  targets_.clear();
  for (std::size_t column : column_of_slot_) {
    CHECK(out[column] != nullptr);
    out[column]->reset(values.size());
    targets_.emplace_back(*out[column]);
  }
  for (data::RowIndex row : rows) {
    ByteView record = values[row];
    if (record.data() == nullptr) {
      set_all_null(row);
      continue;
    }
    if (read_predicted(record, row, arena)) continue;
    std::string_view why = read_general(record, row, arena);
    if (why.empty()) continue;
    failures.add(row, why);
    set_all_null(row);
  }
}

inline bool JsonReader::read_predicted(ByteView record, data::RowIndex row, data::Arena& arena) {
  RecordQuotes quotes(record);
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    std::size_t candidate = last_shape_ + i;
    if (candidate >= shapes_.size()) candidate -= shapes_.size();
    const JsonShape& shape = shapes_[candidate];
    if (i > 0 && !shape.may_match(record)) continue;
    if (!shape.read(record, quotes, row, targets_, arena)) continue;
    for (int slot : shape.missing_slots()) targets_[slot].column->set_null(row);
    last_shape_ = candidate;
    ++hits_since_learned_;
    ++predicted_records_;
    return true;
  }
  return false;
}

std::string_view JsonReader::read_general(ByteView record, data::RowIndex row, data::Arena& arena) {
  // A prediction that went wrong half-way may have left nulls.
  for (const Target& target : targets_)
    if (!target.column->no_nulls()) target.column->writable_nulls()[row] = 0;
  if (!unwrapped_) return read_members(record, row, arena);
  JsonSpan span;
  if (auto why = document_.parse_value(record, span); !why.empty()) return why;
  return targets_.empty() ? reason::kNone : read_span(targets_[0], span, record, row, arena);
}

std::string_view JsonReader::read_members(ByteView record, data::RowIndex row, data::Arena& arena) {
  if (auto why = document_.parse_object(record); !why.empty()) return why;
  std::fill(rank_of_slot_.begin(), rank_of_slot_.end(), Rank::missing);
  std::span<const JsonMember> members = document_.members();
  slot_of_member_.resize(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::string_view written = text_of(record, members[i].name_begin, members[i].name_end);
    const Match& match = match_of(written, members[i].name_escaped, i);
    slot_of_member_[i] = match.slot;
    if (match.slot < 0 || match.rank < rank_of_slot_[match.slot]) continue;
    rank_of_slot_[match.slot] = match.rank;
    member_of_slot_[match.slot] = static_cast<int>(i);
  }
  for (std::size_t slot = 0; slot < targets_.size(); ++slot) {
    if (rank_of_slot_[slot] == Rank::missing) {
      targets_[slot].column->set_null(row);
      continue;
    }
    const JsonSpan& span = members[member_of_slot_[slot]].value;
    if (auto why = read_span(targets_[slot], span, record, row, arena); !why.empty()) return why;
  }
  learn(record);
  return reason::kNone;
}

std::string_view JsonReader::read_span(const Target& target, const JsonSpan& span, ByteView record,
                                       data::RowIndex row, data::Arena& arena) {
  std::string_view text = text_of(record, span.begin, span.end);
  switch (span.token) {
    case JsonToken::string: {
      if (!span.escaped) return read_string(target, row, text, arena);
      std::span<char> room = arena.allocate(text.size());
      std::size_t size = unescape_json(text, room.data()).value_or(0);
      return read_string(target, row, {room.data(), size}, arena);
    }
    case JsonToken::number:
      if (target.kind == data::TypeKind::string) text = number_text(text, arena);
      return read_number(target, row, text);
    case JsonToken::true_:
      return read_boolean(target, row, true);
    case JsonToken::false_:
      return read_boolean(target, row, false);
    case JsonToken::null:
      target.column->set_null(row);
      return reason::kNone;
    case JsonToken::object:
    case JsonToken::array:
      break;
  }
  if (target.column->type().is_nested()) return read_json_cell(*target.column, row, text, arena);
  if (target.kind != data::TypeKind::string) return reason::kWrongType;
  target.cell<data::Text>(row) = nested_text(text, arena);
  return reason::kNone;
}

// Members mostly come in the order of the last record. Valid until the next call.
const JsonReader::Match& JsonReader::match_of(std::string_view written, bool escaped,
                                              std::size_t position) {
  if (position < guesses_.size() && guesses_[position].is(written.data(), written.size()))
    return guesses_[position].match;
  // What lies beyond the limits is looked up each time, in the last place.
  position = std::min(position, kShapeValuesMax);
  if (position >= guesses_.size()) guesses_.resize(position + 1);
  Guess& guess = guesses_[position];
  guess.set(written);
  if (escaped) {
    std::string name(written.size(), '\0');
    name.resize(unescape_json(written, name.data()).value_or(0));
    guess.match = look_up(name);
  } else {
    guess.match = look_up(written);
  }
  return guess.match;
}

JsonReader::Match JsonReader::look_up(std::string_view name) const {
  auto found = slots_by_name_.find(std::string(name));
  if (found != slots_by_name_.end()) return found->second;
  found = slots_by_name_.find(upper(name));
  if (found != slots_by_name_.end()) return {found->second.slot, Rank::upper_cased};
  return {};
}

// Learns the shape of the record just read, unless learning has not paid lately.
void JsonReader::learn(ByteView record) {
  if (!prediction_) return;
  if (pause_ > 0) {
    --pause_;
    return;
  }
  bool paid = shapes_.size() < kShapesKept || hits_since_learned_ >= kShapesKept;
  pause_length_ = paid ? 1 : std::min(pause_length_ * 2, kLearnPauseMax);
  pause_ = pause_length_ - 1;
  JsonShape shape;
  if (!shape.learn(record, document_.members(), slot_of_member_, targets_)) {
    // Records that shapes do not cover rarely come alone.
    pause_length_ = std::min<std::size_t>(failed_pause_ * 2, kLearnPauseMax);
    failed_pause_ = pause_length_;
    pause_ = pause_length_ - 1;
    return;
  }
  failed_pause_ = 1;
  hits_since_learned_ = 0;
  if (shapes_.size() < kShapesKept) {
    last_shape_ = shapes_.size();
    shapes_.push_back(std::move(shape));
    return;
  }
  next_victim_ = (next_victim_ + 1) % kShapesKept;
  last_shape_ = next_victim_;
  shapes_[next_victim_] = std::move(shape);
}

void JsonReader::set_all_null(data::RowIndex row) {
  for (const Target& target : targets_) target.column->set_null(row);
}

}  // namespace penstock::format
