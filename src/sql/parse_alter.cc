// ALTER QUERY id RESET POSITIONS TO earliest | latest | (partition => offset, ...)
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

}  // namespace

Parsed<ast::Statement> parse_alter(TokenCursor& cursor) {
  const SourceSpan alter = cursor.take().span;
  if (cursor.at_word("STREAM") || cursor.at_word("TABLE") || cursor.at_word("SYSTEM")) {
    return not_yet(alter, fmt::format("ALTER {} is not supported yet.", cursor.peek().text));
  }
  if (!cursor.accept_word("QUERY")) return cursor.unexpected("QUERY", {"QUERY"});
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
