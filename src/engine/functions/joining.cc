// CONCAT, CONCAT_WS and ||, over texts and bytes.
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_output.h"
#include "sql/operator_names.h"

namespace penstock::engine::functions {
namespace {

// Bytes of an argument over the selected rows.
std::size_t bytes_of_argument(const KernelCall& call, std::size_t position) {
  const Text* texts = argument<Text>(call, position);
  const data::Column& column = *call.args[position];
  std::size_t total = 0;
  each_row(call.rows, [&](RowIndex row) {
    if (!column.is_null(row)) total += texts[row].size;
  });
  return total;
}

void store_joined(const KernelCall& call, RowIndex row, TextOutput& output, const char* end) {
  const auto size = static_cast<std::size_t>(end - output.next());
  Text& out = results<Text>(call)[row];
  if (size > kTextResultBytesMax) [[unlikely]] {
    out = Text();
    call.errors.add(row, kTextTooLong);
  } else {
    out = output.take(size);
  }
}

// NULL counts as the empty text.
void concat(const KernelCall& call) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < call.args.size(); ++i) total += bytes_of_argument(call, i);
  TextOutput output(call.arena, total);
  each_row(call.rows, [&](RowIndex row) {
    char* to = output.next();
    for (std::size_t i = 0; i < call.args.size(); ++i)
      if (!call.args[i]->is_null(row)) to = append(to, argument<Text>(call, i)[row]);
    store_joined(call, row, output, to);
  });
}

// The first argument goes between the others; NULL among these is left out.
void concat_with_separator(const KernelCall& call) {
  std::size_t total = bytes_of_argument(call, 0) * (call.args.size() - 1);
  for (std::size_t i = 1; i < call.args.size(); ++i) total += bytes_of_argument(call, i);
  TextOutput output(call.arena, total);
  each_row(call.rows, [&](RowIndex row) {
    if (call.args[0]->is_null(row)) {
      results<Text>(call)[row] = Text();
      call.result.set_null(row);
      return;
    }
    const Text separator = argument<Text>(call, 0)[row];
    char* to = output.next();
    bool first = true;
    for (std::size_t i = 1; i < call.args.size(); ++i) {
      if (call.args[i]->is_null(row)) continue;
      if (!first) to = append(to, separator);
      first = false;
      to = append(to, argument<Text>(call, i)[row]);
    }
    store_joined(call, row, output, to);
  });
}

}  // namespace

void join_two_texts(const KernelCall& call) {
  const Text* a = argument<Text>(call, 0);
  const Text* b = argument<Text>(call, 1);
  TextOutput output(call.arena, bytes_of_argument(call, 0) + bytes_of_argument(call, 1));
  each_row(call.rows, [&](RowIndex row) {
    store_joined(call, row, output, append(append(output.next(), a[row]), b[row]));
  });
}

FunctionList joining_functions() {
  using enum ArgKind;
  return {
      {sql::op::kConcat,
       "OPERATOR",
       "Joins two texts; NULL when either is.",
       {overload({string, string}, kString, join_two_texts),
        overload({bytes, bytes}, kBytes, join_two_texts)},
       {{"$concat('a', 'b')", "'ab'"}, {"$concat('a', NULL)", "NULL"}}},
      {"CONCAT",
       "STRING",
       "Joins texts, or bytes; NULL counts as empty.",
       {sees_nulls(variadic(overload({string}, kString, concat))),
        sees_nulls(variadic(overload({bytes}, kBytes, concat)))},
       {{"CONCAT('a', NULL, 'b')", "'ab'"}, {"CONCAT(X'01', X'02')", "X'0102'"}}},
      {"CONCAT_WS",
       "STRING",
       "Joins texts, or bytes, with the first argument between them; NULL is left out.",
       {sees_nulls(variadic(overload({string, string}, kString, concat_with_separator))),
        sees_nulls(variadic(overload({bytes, bytes}, kBytes, concat_with_separator)))},
       {{"CONCAT_WS(', ', 'a', NULL, 'b')", "'a, b'"}, {"CONCAT_WS(NULL, 'a', 'b')", "NULL"}}},
  };
}

}  // namespace penstock::engine::functions
