// ALTER STREAM|TABLE name ADD COLUMN ...; ALTER QUERY id RESET POSITIONS TO ...
// (partition => offset, ...)
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

using PartitionOffset = ResetPositions::PartitionOffset;

Parsed<PartitionOffset> parse_partition_offset(TokenCursor& cursor) {
  const SourceSpan span = cursor.peek().span;
  const std::int64_t partition = TRY(cursor.expect_count("a partition's number"));
  if (partition > std::numeric_limits<std::int32_t>::max()) {
    return problem(span, "There is no partition of this number.");
  }
  TRY(cursor.expect_symbol("=>"));
  const std::int64_t offset = TRY(cursor.expect_count("an offset"));
  return PartitionOffset{static_cast<std::int32_t>(partition), offset};
}

Parsed<std::vector<PartitionOffset>> parse_partition_offsets(TokenCursor& cursor) {
  std::vector<PartitionOffset> offsets;
  TRY(cursor.expect_symbol("("));
  do {
    const SourceSpan span = cursor.peek().span;
    const PartitionOffset one = TRY(parse_partition_offset(cursor));
    const auto at =
        std::ranges::lower_bound(offsets, one.partition, {}, &PartitionOffset::partition);
    if (at != offsets.end() && at->partition == one.partition) {
      return problem(span, fmt::format("Partition {} is named twice.", one.partition));
    }
    if (offsets.size() == kResetPartitionsMax) {
      return problem(span, fmt::format("More than {} partitions are named.", kResetPartitionsMax));
    }
    offsets.insert(at, one);
  } while (cursor.accept_symbol(","));
  TRY(cursor.expect_symbol(")"));
  return offsets;
}

// ALTER STREAM|TABLE name ADD [COLUMN] name type, ADD [COLUMN] ...
Parsed<ast::Statement> parse_add_columns(TokenCursor& cursor, SourceKind kind) {
  ast::AlterSource alter;
  alter.kind = kind;
  alter.name = TRY(cursor.expect_name("a name"));
  do {
    if (alter.columns.size() == kColumnsMax)
      return too_much(cursor.peek().span, fmt::format("More than {} columns.", kColumnsMax));
    TRY(cursor.expect_word("ADD"));
    cursor.accept_word("COLUMN");
    const std::uint32_t begin = cursor.position();
    ast::ColumnDefinition column;
    column.name = TRY(cursor.expect_name("a column name"));
    column.type = TRY(parse_type(cursor));
    column.span = cursor.span_since(begin);
    alter.columns.push_back(std::move(column));
  } while (cursor.accept_symbol(","));
  return ast::Statement{std::move(alter)};
}

}  // namespace

Parsed<ast::Statement> parse_alter(TokenCursor& cursor) {
  cursor.take();
  if (cursor.accept_word("STREAM")) return parse_add_columns(cursor, SourceKind::stream);
  if (cursor.accept_word("TABLE")) return parse_add_columns(cursor, SourceKind::table);
  if (cursor.accept_word("SYSTEM")) {
    TRY(cursor.expect_string("a property name in single quotes"));
    TRY(cursor.expect_symbol("="));
    TRY(cursor.expect_string("a value in single quotes"));
    return ast::Statement{NotYet{"ALTER SYSTEM"}};
  }
  if (!cursor.accept_word("QUERY"))
    return cursor.unexpected("STREAM, TABLE or QUERY", {"STREAM", "TABLE", "QUERY", "SYSTEM"});
  ResetPositions reset;
  reset.query_id = TRY(cursor.expect_name("a query id")).text;
  TRY(cursor.expect_words({"RESET", "POSITIONS", "TO"}));
  if (cursor.accept_word("EARLIEST")) {
    reset.to = ResetPositions::To::earliest;
  } else if (cursor.accept_word("LATEST")) {
    reset.to = ResetPositions::To::latest;
  } else if (cursor.at_symbol("(")) {
    reset.to = ResetPositions::To::offsets;
    reset.offsets = TRY(parse_partition_offsets(cursor));
  } else {
    return cursor.unexpected("EARLIEST, LATEST or (partition => offset, ...)",
                             {"EARLIEST", "LATEST"});
  }
  return ast::Statement{std::move(reset)};
}

}  // namespace penstock::sql
