#include "session/row_inserter.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "data/arena.h"
#include "data/batch.h"
#include "engine/program.h"

namespace penstock::session {

Result<> compute_values(sql::InsertValues& row) {
  for (const auto& [place, expr] : row.computed) {
    const std::string& column = row.target.schema.columns[place].name;
    engine::Program program =
        TRY_IN(engine::Program::compile(*expr), fmt::format("column {}", column));
    data::Arena arena;
    sql::RowErrors errors;
    const data::RowIndex first = 0;
    const engine::Frame frame{.rows = 1, .columns = {}, .arena = arena, .errors = errors};
    const data::Column* value = program.evaluate(frame, {&first, 1});
    if (!errors.empty()) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("Failed to insert values into '{}': the value of column {} cannot be "
                              "computed ({})",
                              row.target.name, column, errors.entries()[0].reason));
    }
    row.values[place] = data::value_at(*value, 0);
  }
  row.computed.clear();
  return {};
}

Result<RowInserter::Target*> RowInserter::target_of(const sql::StreamInfo& stream) {
  if (const auto at = targets_.find(stream.name); at != targets_.end()) return at->second.get();
  auto target = std::make_unique<Target>();
  target->step.stream = stream;
  target->edge = TRY(engine::SinkEdge::create(log_, keys_, target->step, 0, sealed_topics_));
  return targets_.insert_or_assign(stream.name, std::move(target)).first->second.get();
}

Result<> RowInserter::insert(const sql::InsertValues& row) {
  Target* target = TRY(target_of(row.target));
  auto written = write(*target, row);
  // After a failure the epoch's grant may be lost, and the writer be of no use: begin anew.
  if (!written) {
    forget(row.target.name);
    writer_.reset();
  }
  return written;
}

Result<> RowInserter::append(const sql::InsertValues& row, topics::Commit& commit) {
  Target* target = TRY(target_of(row.target));
  TRY(encode(*target, row));
  return target->edge->append_to(commit);
}

Result<> RowInserter::encode(Target& target, const sql::InsertValues& row) {
  const auto& columns = row.target.schema.columns;
  CHECK(columns.size() == row.values.size());
  const std::int64_t now_ms = system_clock().now_ms();
  const data::TimestampMs timestamp_ms = row.timestamp_ms.value_or(now_ms);
  data::Arena arena;
  std::vector<data::Column> cells;
  data::Batch batch;
  cells.reserve(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    cells.emplace_back(columns[i].type);
    cells.back().reset(1);
    data::set_value(cells.back(), 0, row.values[i], arena);
    batch.columns.push_back(&cells.back());
  }
  batch.rows = 1;
  batch.timestamps_ms = {&timestamp_ms, 1};
  batch.selection = {0};
  sql::RowErrors refused;
  target.edge->clear();
  TRY(target.edge->write(batch, {}, now_ms, refused));
  if (!refused.empty()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("Stream '{}': the row cannot be written ({})", row.target.name,
                            refused.entries()[0].reason));
  }
  return {};
}

Result<> RowInserter::write(Target& target, const sql::InsertValues& row) {
  TRY(encode(target, row));
  if (!writer_) writer_ = TRY(log_.writer(writer_id_));
  auto commit = TRY(writer_->begin());
  TRY(target.edge->append_to(*commit));
  if (auto done = commit->finish(); done.outcome != topics::Outcome::committed) {
    return fail(done.error->in(fmt::format("inserting into '{}'", row.target.name)));
  }
  target.edge->clear();
  return {};
}

}  // namespace penstock::session
