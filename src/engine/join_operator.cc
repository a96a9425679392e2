#include "engine/join_operator.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "engine/foreign_join.h"
#include "engine/state.h"
#include "engine/stream_join.h"
#include "engine/table_join.h"

namespace penstock::engine {
namespace {

template <typename Join>
class JoinSide final : public Operator {
 public:
  JoinSide(std::shared_ptr<Join> join, bool left) : join_(std::move(join)), left_(left) {}

  std::string_view store() const override { return left_ ? join_->store() : std::string_view(); }
  Result<> open(StateReader& state) override { return left_ ? join_->open(state) : Result<>(); }
  Result<Flow> process(const data::Batch& batch, Emitter& out) override {
    return join_->process(left_, batch, out);
  }
  Result<Flow> on_stream_time(data::TimestampMs now_ms, Emitter&) override {
    if constexpr (requires { join_->begin_at(now_ms); }) join_->begin_at(now_ms);
    return Flow::more;
  }
  Result<> on_commit(topics::StateWrites& state) override {
    return left_ ? join_->on_commit(state) : Result<>();
  }
  std::size_t uncommitted_bytes() const override { return left_ ? join_->uncommitted_bytes() : 0; }
  std::size_t memory_bytes() const override { return left_ ? join_->memory_bytes() : 0; }

 private:
  const std::shared_ptr<Join> join_;
  const bool left_;
};

// Its name is made of what its rows are made of, and of what they are kept by.
std::string store_of_join(const JoinParts& parts) {
  const sql::JoinStep& step = *parts.step;
  data::Schema columns;
  const auto add = [&columns](std::string name, const data::Type& type, data::ColumnRole role) {
    columns.columns.push_back({std::move(name), type, role});
  };
  for (const JoinParts::Side* side : {&parts.left, &parts.right}) {
    add("KEY", side->types.front(), data::ColumnRole::key);
    for (std::size_t i = 0; i < side->places.size(); ++i)
      add(parts.schema->columns[side->places[i]].name, side->types[i + 1], data::ColumnRole::value);
  }
  const data::Type number(data::TypeKind::bigint);
  if (step.before_ms)
    add(fmt::format("{} {}", *step.before_ms, *step.after_ms), number, data::ColumnRole::key);
  if (parts.window && parts.window->size_ms) add("window start", number, data::ColumnRole::key);
  return store_id("join", columns);
}

template <typename Join, typename... More>
std::array<std::unique_ptr<Operator>, 2> sides_of(const JoinParts& parts, More... more) {
  auto join = std::make_shared<Join>(parts, store_of_join(parts), more...);
  return {std::make_unique<JoinSide<Join>>(join, true),
          std::make_unique<JoinSide<Join>>(join, false)};
}

}  // namespace

Result<std::array<std::unique_ptr<Operator>, 2>> make_join(const JoinParts& parts, bool filtered) {
  switch (parts.step->shape) {
    case sql::JoinShape::stream_stream:
      return sides_of<StreamJoin>(parts);
    case sql::JoinShape::stream_table:
    case sql::JoinShape::table_table:
      return sides_of<TableJoin>(parts, filtered);
    case sql::JoinShape::foreign_key:
      return sides_of<ForeignJoin>(parts);
  }
  return fail(ErrorCode::internal, "a join of no known shape");
}

}  // namespace penstock::engine
