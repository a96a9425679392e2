// links: engine sql data base
// The bytes choose the parts of a query: nested CASE, BETWEEN, lambdas, aggregates and table
// functions. What binds can be built and takes rows.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "data/arena.h"
#include "data/value.h"
#include "engine/pipeline.h"
#include "engine/runtime.h"
#include "engine/stages.h"
#include "sql/statement.h"

namespace {

using namespace penstock;

constexpr int kDepthMax = 5;
constexpr std::size_t kTextMax = 1'500;

class OneStream final : public sql::Catalogue {
 public:
  OneStream() {
    const auto made = sql::prepare_statement(
        {.text =
             "CREATE STREAM T (K STRING KEY, I INT, S STRING, L ARRAY<INT>, M MAP<STRING, INT>) "
             "WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON')",
         .line = 1},
        *this, engine::builtin_functions());
    CHECK(made.has_value());
    stream_ = std::get<sql::CreateStream>(made->node).stream;
  }
  const sql::StreamInfo* find(std::string_view name) const override {
    return name == stream_.name && !name.empty() ? &stream_ : nullptr;
  }
  std::vector<std::string> names() const override { return {stream_.name}; }

 private:
  sql::StreamInfo stream_;
};

// Expressions by type; a byte chooses each form, and out of bytes the simplest.
class Maker {
 public:
  explicit Maker(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::string query() {
    grouped_ = pick(3) == 0;
    const std::string first = any(), second = any();
    std::string text = fmt::format("SELECT K, {} AS A1, {} AS A2{} FROM T", first, second,
                                   grouped_ ? ", COUNT(*) AS A3" : "");
    if (grouped_ && pick(4) == 0) text += " WINDOW TUMBLING (SIZE 1 SECOND)";
    if (pick(3) == 0) text += " WHERE " + inside([&] { return flag(); });
    if (grouped_) text += " GROUP BY K";
    if (grouped_ && pick(3) == 0) text += " HAVING " + flag();
    return text + " EMIT CHANGES";
  }

 private:
  unsigned pick(unsigned forms) {
    if (bytes_.empty() || depth_ > kDepthMax) return forms - 1;
    const unsigned chosen = bytes_.front() % forms;
    bytes_ = bytes_.subspan(1);
    return chosen;
  }
  std::string any() {
    switch (pick(5)) {
      case 0:
        return flag();
      case 1:
        return text();
      case 2:
        return list();
      case 3:
        return map();
      default:
        return number();
    }
  }
  // Of an aggregate, or of WHERE: columns may be named, aggregates may not.
  template <typename Make>
  std::string inside(Make make) {
    const bool before = std::exchange(grouped_, false);
    std::string made = make();
    grouped_ = before;
    return made;
  }
  template <typename Make>
  std::string lambda(std::vector<std::string> names, Make make) {
    const std::size_t before = locals_.size();
    for (const std::string& name : names) locals_.push_back(name);
    std::string made = fmt::format("({}) => {}", fmt::join(names, ", "), make());
    locals_.resize(before);
    return made;
  }
  std::string deeper(std::string (Maker::*make)()) {
    ++depth_;
    std::string made = (this->*make)();
    --depth_;
    return made;
  }
  std::string fresh() { return fmt::format("X{}", locals_.size()); }

  std::string number() { return deeper(&Maker::some_number); }
  std::string some_number() {
    switch (pick(16)) {
      case 0:
        return fmt::format("CASE WHEN {} THEN {} ELSE {} END", flag(), number(), number());
      case 1:
        return fmt::format("CASE {} WHEN {} THEN {} END", number(), number(), number());
      case 2:
        return fmt::format("({} / {})", number(), number());
      case 3:
        return fmt::format("{}[{}]", list(), number());
      case 4:
        return fmt::format("COALESCE({}, {})", number(), number());
      case 5:
        return fmt::format("CAST({} AS INT)", text());
      case 6:
        return fmt::format("STRUCT(F := {}, G := {})->F", number(), text());
      case 7: {
        const std::string state = fresh(), item = state + "I";
        return fmt::format("REDUCE({}, {}, {})", list(), number(),
                           lambda({state, item}, [&] { return number(); }));
      }
      case 8:
        return grouped_ ? "SUM(" + inside([&] { return number(); }) + ")" : "LEN(" + text() + ")";
      case 9:
        return grouped_ ? "CAST(COUNT(*) AS INT)" : "EXPLODE(" + list() + ")";
      case 10:
        return fmt::format("{}[{}]", map(), text());
      case 11:
        return fmt::format("({} + {})", number(), number());
      case 12:
        return fmt::format("ARRAY_LENGTH({})", list());
      case 13:
        if (!locals_.empty()) return locals_[pick(static_cast<unsigned>(locals_.size()))];
        [[fallthrough]];
      case 14:
        return grouped_ ? "2" : "I";
      default:
        return "1";
    }
  }
  std::string flag() { return deeper(&Maker::some_flag); }
  std::string some_flag() {
    switch (pick(8)) {
      case 0:
        return fmt::format("{} BETWEEN {} AND {}", number(), number(), number());
      case 1:
        return fmt::format("{} IN ({}, 2, {})", number(), number(), number());
      case 2:
        return fmt::format("NOT ({})", flag());
      case 3:
        return fmt::format("({} AND {})", flag(), flag());
      case 4:
        return fmt::format("({} OR {})", flag(), flag());
      case 5:
        return fmt::format("({} IS NULL)", any());
      case 6:
        return fmt::format("{} LIKE 'a%'", text());
      default:
        return fmt::format("{} = {}", number(), number());
    }
  }
  std::string text() { return deeper(&Maker::some_text); }
  std::string some_text() {
    switch (pick(8)) {
      case 0:
        return fmt::format("CAST({} AS STRING)", any());
      case 1:
        return fmt::format("SUBSTRING({}, {})", text(), number());
      case 2:
        return fmt::format("CONCAT({}, {})", text(), text());
      case 3:
        return fmt::format("MASK({})", text());
      case 4:
        return fmt::format("CASE WHEN {} THEN {} END", flag(), text());
      case 5:
        return grouped_ ? "K" : "S";
      case 6:
        return fmt::format("TO_JSON_STRING({})", any());
      default:
        return "'a'";
    }
  }
  std::string list() { return deeper(&Maker::some_list); }
  std::string some_list() {
    const std::string item = fresh();
    switch (pick(7)) {
      case 0:
        return fmt::format("ARRAY[{}, {}]", number(), number());
      case 1:
        return fmt::format("TRANSFORM({}, {})", list(), lambda({item}, [&] { return number(); }));
      case 2:
        return fmt::format("FILTER({}, {})", list(), lambda({item}, [&] { return flag(); }));
      case 3:
        return fmt::format("SLICE({}, {}, {})", list(), number(), number());
      case 4:
        return fmt::format("MAP_VALUES({})", map());
      case 5:
        return grouped_ ? "COLLECT_LIST(" + inside([&] { return number(); }) + ")" : "L";
      default:
        return "ARRAY[1, 2]";
    }
  }
  std::string map() { return deeper(&Maker::some_map); }
  std::string some_map() {
    const std::string key = fresh(), value = key + "V";
    switch (pick(5)) {
      case 0:
        return fmt::format("MAP({} := {}, 'z' := {})", text(), number(), number());
      case 1:
        return fmt::format("TRANSFORM({}, {}, {})", map(),
                           lambda({key, value}, [&] { return text(); }),
                           lambda({key, value}, [&] { return number(); }));
      case 2:
        return fmt::format("FILTER({}, {})", map(), lambda({key, value}, [&] { return flag(); }));
      case 3:
        return grouped_ ? "HISTOGRAM(K)" : "M";
      default:
        return "MAP('a' := 1)";
    }
  }

  std::span<const std::uint8_t> bytes_;
  bool grouped_ = false;
  int depth_ = 0;
  std::vector<std::string> locals_;
};

class Nothing final : public engine::Emitter {
 public:
  Result<engine::Flow> emit(const data::Batch& batch) override {
    for (const data::Column* column : batch.columns)
      if (column != nullptr && !batch.selection.empty())
        (void)data::value_at(*column, batch.selection.back());
    return engine::Flow::more;
  }
  void reject(data::RowOrigin, std::string_view) override {}
  void note_failure(std::string_view, std::string_view) override {}
  data::Arena& arena() override { return arena_; }

 private:
  data::Arena arena_;
};

data::Value value_of(const data::Type& type, std::size_t row) {
  using data::TypeKind;
  if (row == 1) return data::Null{};
  const auto number = static_cast<std::int32_t>(row);
  switch (type.kind()) {
    case TypeKind::integer:
      return number;
    case TypeKind::bigint:
      return std::int64_t{number};
    case TypeKind::string:
      return row == 2 ? std::string("a7") : std::string("12");
    case TypeKind::array:
      return data::ListValue{{data::Value(number), data::Value(data::Null{})}};
    default:
      return data::MapValue{{data::Value(std::string("a"))}, {data::Value(number)}};
  }
}

void run(const engine::PlanParts& parts, engine::Chain& chain) {
  constexpr std::size_t kRows = 4;
  Nothing nothing;
  std::vector<data::Column> columns;
  for (const data::ColumnSchema& column : parts.source_schema->columns) {
    columns.emplace_back(column.type).reset(kRows);
    for (std::size_t row = 0; row < kRows; ++row)
      data::set_value(columns.back(), row, value_of(column.type, row), nothing.arena());
  }
  const std::vector<data::TimestampMs> times(kRows, 1'000);
  data::Batch batch;
  batch.rows = kRows;
  for (data::Column& column : columns) batch.columns.push_back(&column);
  batch.timestamps_ms = times;
  batch.selection = {0, 1, 2, 3};
  const auto done = chain.process(0, batch, nothing);
  CHECK(done.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const OneStream stream;
  const std::string text = Maker({bytes, size}).query();
  if (text.size() > kTextMax) return 0;
  const auto statement =
      sql::prepare_statement({.text = text, .line = 1}, stream, engine::builtin_functions());
  if (!statement) return 0;
  const auto& query = std::get<sql::SelectQuery>(statement->node);
  const auto parts = engine::take_apart_whole(*query.plan);
  if (!parts) return 0;
  auto chain = engine::build_chain(*parts);
  if (chain) run(*parts, *chain);
  return 0;
}
