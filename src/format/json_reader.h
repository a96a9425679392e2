// JSON records into columns.
#pragma once

#include <array>
#include <string>
#include <unordered_map>

#include "format/json_document.h"
#include "format/json_shape.h"
#include "format/limits.h"
#include "format/reader.h"

namespace penstock::format {

// Rules:
// - The whole record must be valid JSON, whichever columns are used, so that whether a record is
// good
//   does not depend on the query.
// - A member fills the column whose name is equal, else the one that equals it in upper case
// (ASCII); an
//   equal name wins over an upper-cased one, and among those of one rank the last member wins.
// - Missing members and null are null. Conversions: scalar_reader.h; STRING takes any value's JSON
// text
//   (objects and arrays without blanks), BOOLEAN only true and false; ARRAY, MAP and STRUCT:
//   json_nested.h.
// Two paths with equal results: records shaped as earlier ones are compared and scanned
// (json_shape.h), others are taken apart (json_document.h), and their shape is learned.
class JsonReader final : public ValueReader {
 public:
  JsonReader(const data::Schema& columns, const std::vector<bool>& used, bool unwrapped);

  void decode(std::span<const ByteView> values, data::Selection rows,
              std::span<data::Column* const> out, data::Arena& arena,
              RowFailures& failures) override;

  // Without prediction every record takes the general path. For tests and measurements.
  void set_prediction(bool on) { prediction_ = on; }
  std::uint64_t predicted_records() const { return predicted_records_; }

 private:
  enum class Rank : std::uint8_t { missing, upper_cased, equal };
  struct Match {
    int slot = -1;
    Rank rank = Rank::missing;
  };
  // What stood at a position of the last record. Names of up to 32 bytes are compared in one piece.
  struct alignas(32) Guess {
    std::uint8_t start[32];    // the name's first bytes
    std::uint32_t mask = 0;    // as many low bits as there are
    std::uint32_t size = ~0u;  // of the name
    std::string name;          // as written, with escapes
    Match match;

    bool is(const char* written, std::size_t written_size) const;
    void set(std::string_view written);
  };

  bool read_predicted(ByteView record, data::RowIndex row, data::Arena& arena);
  std::string_view read_general(ByteView record, data::RowIndex row, data::Arena& arena);
  std::string_view read_members(ByteView record, data::RowIndex row, data::Arena& arena);
  std::string_view read_span(const Target& target, const JsonSpan& span, ByteView record,
                             data::RowIndex row, data::Arena& arena);
  const Match& match_of(std::string_view written, bool escaped, std::size_t position);
  Match look_up(std::string_view name) const;
  void learn(ByteView record);
  void set_all_null(data::RowIndex row);

  bool unwrapped_;
  bool prediction_ = true;
  std::vector<std::size_t> column_of_slot_;
  std::unordered_map<std::string, Match> slots_by_name_;  // equal names
  std::vector<Target> targets_;                           // of this batch
  JsonDocument document_;
  std::vector<Guess> guesses_;       // by position in the last record
  std::vector<int> slot_of_member_;  // of the record at hand
  std::vector<int> member_of_slot_;
  std::vector<Rank> rank_of_slot_;

  std::vector<JsonShape> shapes_;
  std::size_t last_shape_ = 0;  // index of the one that matched last
  std::size_t next_victim_ = 0;
  std::size_t hits_since_learned_ = 0;
  std::size_t pause_ = 0;  // general records to let pass before learning again
  std::size_t pause_length_ = 1;
  std::size_t failed_pause_ = 1;  // after records that shapes do not cover
  std::uint64_t predicted_records_ = 0;
};

}  // namespace penstock::format
