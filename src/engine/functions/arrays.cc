// ARRAY_..., SLICE, GENERATE_SERIES.
#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "engine/functions/families.h"
#include "engine/functions/list_output.h"
#include "engine/functions/overload.h"

namespace penstock::engine::functions {
namespace {

constexpr std::string_view kStepIsZero = "step_is_zero";
constexpr std::string_view kStepLeadsAway = "step_leads_away_from_the_end";
constexpr std::int64_t kSeriesElementsMax = 1 << 20;

bool is_null(const KernelCall& call, std::size_t argument, RowIndex row) {
  return call.args[argument]->is_null(row);
}

template <typename Body>
void each_element(const data::Column& list, RowIndex row, Body&& body) {
  const ListSpan span = list.list(row);
  for (std::uint32_t i = 0; i < span.size; ++i) body(span.begin + i);
}

void array_length(const KernelCall& call) {
  for (RowIndex row : call.rows)
    results<std::int32_t>(call)[row] = static_cast<std::int32_t>(call.args[0]->list(row).size);
}

void array_contains(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    bool found = false;
    if (!is_null(call, 0, row))
      each_element(*call.args[0], row, [&](std::size_t at) {
        found = found || data::equal_cells(call.args[0]->child(0), at, *call.args[1], row);
      });
    results<std::uint8_t>(call)[row] = found;
  }
}

// NULL counts as empty; both NULL: NULL.
void array_concat(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    if (is_null(call, 0, row) && is_null(call, 1, row)) {
      null_list(call, row);
      continue;
    }
    ListOutput out(call, row);
    for (const data::Column* list : call.args)
      if (!list->is_null(row))
        each_element(*list, row, [&](std::size_t at) { out.add_copy(list->child(0), at); });
    out.done();
  }
}

void array_distinct(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    const data::Column& elements = call.args[0]->child(0);
    CellSet seen(elements);
    ListOutput out(call, row);
    each_element(*call.args[0], row, [&](std::size_t at) {
      if (seen.insert(at)) out.add_copy(elements, at);
    });
    out.done();
  }
}

void array_union(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    CellSet first(call.args[0]->child(0)), second(call.args[1]->child(0));
    ListOutput out(call, row);
    each_element(*call.args[0], row, [&](std::size_t at) {
      if (first.insert(at)) out.add_copy(call.args[0]->child(0), at);
    });
    each_element(*call.args[1], row, [&](std::size_t at) {
      if (!first.contains(call.args[1]->child(0), at) && second.insert(at))
        out.add_copy(call.args[1]->child(0), at);
    });
    out.done();
  }
}

// The distinct elements of the first that are (or are not) in the second.
template <bool wanted>
void array_filtered(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    CellSet others(call.args[1]->child(0)), seen(call.args[0]->child(0));
    each_element(*call.args[1], row, [&](std::size_t at) { others.insert(at); });
    ListOutput out(call, row);
    each_element(*call.args[0], row, [&](std::size_t at) {
      if (others.contains(call.args[0]->child(0), at) == wanted && seen.insert(at))
        out.add_copy(call.args[0]->child(0), at);
    });
    out.done();
  }
}

void array_remove(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    if (is_null(call, 0, row)) {
      null_list(call, row);
      continue;
    }
    ListOutput out(call, row);
    each_element(*call.args[0], row, [&](std::size_t at) {
      if (!data::equal_cells(call.args[0]->child(0), at, *call.args[1], row))
        out.add_copy(call.args[0]->child(0), at);
    });
    out.done();
  }
}

void array_join(const KernelCall& call) {
  const data::Column& elements = call.args[0]->child(0);
  for (RowIndex row : call.rows) {
    std::string text;
    bool nested = false;
    const bool given = call.args.size() > 1;
    const std::string_view separator = !given ? ","
                                       : is_null(call, 1, row)
                                           ? ""
                                           : argument<Text>(call, 1)[row].view();
    bool first = true;
    if (is_null(call, 0, row)) {
      results<Text>(call)[row] = Text();
      call.result.set_null(row);
      continue;
    }
    each_element(*call.args[0], row, [&](std::size_t at) {
      if (!std::exchange(first, false)) text += separator;
      nested = nested || (elements.type().is_nested() && !elements.is_null(at));
      if (!nested) data::append_cell_text(text, elements, at);
    });
    if (nested) {
      results<Text>(call)[row] = Text();
      call.errors.add(row, kInvalidArgument);
    } else if (text.size() > kTextResultBytesMax) {
      results<Text>(call)[row] = Text();
      call.errors.add(row, kTextTooLong);
    } else {
      results<Text>(call)[row] = call.arena.copy(text);
    }
  }
}

template <bool greatest>
void array_extremum(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    const data::Column& elements = call.args[0]->child(0);
    std::size_t best = 0;
    bool any = false;
    each_element(*call.args[0], row, [&](std::size_t at) {
      if (elements.is_null(at)) return;
      const int order = any ? data::compare_cells(elements, at, elements, best) : 0;
      if (!any || (greatest ? order > 0 : order < 0)) best = at;
      any = true;
    });
    if (any)
      data::copy_cell(elements, best, call.result, row);
    else
      call.result.set_null(row);
  }
}

// NULL elements come last, whatever the direction.
void array_sort(const KernelCall& call) {
  std::vector<std::size_t> order;
  for (RowIndex row : call.rows) {
    bool descending = false;
    if (call.args.size() > 1) {
      std::string direction(argument<Text>(call, 1)[row].view());
      std::ranges::transform(direction, direction.begin(),
                             [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
      descending = direction == "DESC" || direction == "DESCENDING";
      if (!descending && direction != "ASC" && direction != "ASCENDING") {
        null_list(call, row);
        continue;
      }
    }
    const data::Column& elements = call.args[0]->child(0);
    order.clear();
    each_element(*call.args[0], row, [&](std::size_t at) { order.push_back(at); });
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      const bool null_a = elements.is_null(a), null_b = elements.is_null(b);
      if (null_a || null_b) return null_a == null_b ? a < b : null_b;
      const int compared = data::compare_cells(elements, a, elements, b);
      if (compared == 0) return a < b;
      return descending ? compared > 0 : compared < 0;
    });
    ListOutput out(call, row);
    for (const std::size_t at : order) out.add_copy(elements, at);
    out.done();
  }
}

// From and to count from 1 and are both within; NULL where there are no such elements.
void slice(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    if (is_null(call, 0, row)) {
      null_list(call, row);
      continue;
    }
    const ListSpan span = call.args[0]->list(row);
    const std::int64_t begin =
        is_null(call, 1, row) ? 0 : std::int64_t{argument<std::int32_t>(call, 1)[row]} - 1;
    const std::int64_t end =
        is_null(call, 2, row) ? span.size : std::int64_t{argument<std::int32_t>(call, 2)[row]};
    if (begin < 0 || end > span.size || begin > end) {
      null_list(call, row);
      continue;
    }
    ListOutput out(call, row);
    for (std::int64_t i = begin; i < end; ++i)
      out.add_copy(call.args[0]->child(0), span.begin + static_cast<std::size_t>(i));
    out.done();
  }
}

template <typename T>
void generate_series(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    const std::int64_t begin = argument<T>(call, 0)[row], end = argument<T>(call, 1)[row];
    const std::int64_t step = call.args.size() > 2 ? argument<std::int32_t>(call, 2)[row]
                              : begin <= end       ? 1
                                                   : -1;
    ListOutput out(call, row);
    if (step == 0) {
      out.fail(kStepIsZero);
      continue;
    }
    const Int128 span = Int128{end} - begin;
    if (step > 0 ? span < 0 : span > 0) {
      out.fail(kStepLeadsAway);
      continue;
    }
    const Int128 count = span / step + 1;
    if (count > kSeriesElementsMax) {
      out.fail(kListTooLong);
      continue;
    }
    Int128 at = begin;
    for (Int128 i = 0; i < count; ++i, at += step) {
      const std::size_t to = out.add();
      call.result.child(0).values<T>()[to] = static_cast<T>(at);
    }
    out.done();
  }
}

FunctionList ordering_functions() {
  return {
      {"ARRAY_MAX",
       "ARRAY",
       "The greatest element that is not NULL.",
       {declared("ARRAY_MAX(ARRAY<T>) -> T", array_extremum<true>)},
       {{"ARRAY_MAX(ARRAY[1, NULL, 3])", "3"}}},
      {"ARRAY_MIN",
       "ARRAY",
       "The least element that is not NULL.",
       {declared("ARRAY_MIN(ARRAY<T>) -> T", array_extremum<false>)},
       {{"ARRAY_MIN(ARRAY['b', NULL, 'a'])", "'a'"}}},
      {"ARRAY_SORT",
       "ARRAY",
       "The elements in order (ASC or DESC), NULL last.",
       {declared("ARRAY_SORT(ARRAY<T>) -> ARRAY<T>", array_sort),
        declared("ARRAY_SORT(ARRAY<T>, STRING) -> ARRAY<T>", array_sort)},
       {{"ARRAY_SORT(ARRAY[2, NULL, 1])", "[1, 2, NULL]"},
        {"ARRAY_SORT(ARRAY[2, NULL, 3], 'desc')", "[3, 2, NULL]"}}},
      {"SLICE",
       "ARRAY",
       "The elements from one place to another, both included and counted from 1.",
       {sees_nulls(declared("SLICE(ARRAY<T>, INTEGER, INTEGER) -> ARRAY<T>", slice))},
       {{"SLICE(ARRAY['a', 'b', 'c', 'd'], 2, 3)", "['b', 'c']"},
        {"SLICE(ARRAY['a'], 1, 2)", "NULL"}}},
      {"GENERATE_SERIES",
       "ARRAY",
       "The numbers from the first to the second, both included, in steps of 1 or as given.",
       {declared("GENERATE_SERIES(INTEGER, INTEGER) -> ARRAY<INTEGER>",
                 generate_series<std::int32_t>),
        declared("GENERATE_SERIES(INTEGER, INTEGER, INTEGER) -> ARRAY<INTEGER>",
                 generate_series<std::int32_t>),
        declared("GENERATE_SERIES(BIGINT, BIGINT) -> ARRAY<BIGINT>", generate_series<std::int64_t>),
        declared("GENERATE_SERIES(BIGINT, BIGINT, INTEGER) -> ARRAY<BIGINT>",
                 generate_series<std::int64_t>)},
       {{"GENERATE_SERIES(1, 3)", "[1, 2, 3]"},
        {"GENERATE_SERIES(3, 1)", "[3, 2, 1]"},
        {"GENERATE_SERIES(0, 10, 4)", "[0, 4, 8]"},
        {"GENERATE_SERIES(0, 1, 0)", "error: step_is_zero"},
        {"GENERATE_SERIES(0, 1, -1)", "error: step_leads_away_from_the_end"}}},
  };
}

}  // namespace

FunctionList array_functions() {
  FunctionList out = {
      {"ARRAY_LENGTH",
       "ARRAY",
       "How many elements there are.",
       {declared("ARRAY_LENGTH(ARRAY<T>) -> INTEGER", array_length)},
       {{"ARRAY_LENGTH(ARRAY[1, 2])", "2"}}},
      {"ARRAY_CONTAINS",
       "ARRAY",
       "Whether an element equals the value; false for a NULL array.",
       {sees_nulls(declared("ARRAY_CONTAINS(ARRAY<T>, T) -> BOOLEAN", array_contains))},
       {{"ARRAY_CONTAINS(ARRAY[1, NULL], 1)", "true"},
        {"ARRAY_CONTAINS(ARRAY[1, NULL], NULL)", "true"},
        {"ARRAY_CONTAINS(ARRAY['a'], 'b')", "false"}}},
      {"ARRAY_CONCAT",
       "ARRAY",
       "The elements of both; NULL counts as empty, unless both are NULL.",
       {sees_nulls(declared("ARRAY_CONCAT(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_concat))},
       {{"ARRAY_CONCAT(ARRAY[1, 2], ARRAY[2])", "[1, 2, 2]"},
        {"ARRAY_CONCAT(NULL, ARRAY[2])", "[2]"}}},
      {"ARRAY_DISTINCT",
       "ARRAY",
       "The elements without repetitions, in the order of their first.",
       {declared("ARRAY_DISTINCT(ARRAY<T>) -> ARRAY<T>", array_distinct)},
       {{"ARRAY_DISTINCT(ARRAY[2, 1, 2, NULL, NULL])", "[2, 1, NULL]"}}},
      {"ARRAY_UNION",
       "ARRAY",
       "The distinct elements of both.",
       {declared("ARRAY_UNION(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_union)},
       {{"ARRAY_UNION(ARRAY[1, 2, 2], ARRAY[3, 1, 3])", "[1, 2, 3]"}}},
      {"ARRAY_EXCEPT",
       "ARRAY",
       "The distinct elements of the first that are not in the second.",
       {declared("ARRAY_EXCEPT(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_filtered<false>)},
       {{"ARRAY_EXCEPT(ARRAY[1, 2, 2, 3], ARRAY[3])", "[1, 2]"}}},
      {"ARRAY_INTERSECT",
       "ARRAY",
       "The distinct elements of the first that are in the second.",
       {declared("ARRAY_INTERSECT(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_filtered<true>)},
       {{"ARRAY_INTERSECT(ARRAY[1, 2, 2], ARRAY[2, 3])", "[2]"}}},
      {"ARRAY_REMOVE",
       "ARRAY",
       "The array without the elements that equal the value, which may be NULL.",
       {sees_nulls(declared("ARRAY_REMOVE(ARRAY<T>, T) -> ARRAY<T>", array_remove))},
       {{"ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "[2]"}, {"ARRAY_REMOVE(ARRAY[1, NULL], NULL)", "[1]"}}},
      {"ARRAY_JOIN",
       "ARRAY",
       "The elements as one text, with the separator (a comma) between them.",
       {sees_nulls(declared("ARRAY_JOIN(ARRAY<T>) -> STRING", array_join)),
        sees_nulls(declared("ARRAY_JOIN(ARRAY<T>, STRING) -> STRING", array_join))},
       {{"ARRAY_JOIN(ARRAY[1, NULL, 2])", "'1,null,2'"},
        {"ARRAY_JOIN(ARRAY['a', 'b'], '; ')", "'a; b'"}}},
  };
  FunctionList more = ordering_functions();
  std::ranges::move(more, std::back_inserter(out));
  return out;
}

}  // namespace penstock::engine::functions
