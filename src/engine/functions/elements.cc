// Subscripts, and the table functions EXPLODE and CUBE_EXPLODE.
#include "engine/functions/families.h"
#include "engine/functions/list_output.h"
#include "engine/functions/overload.h"

namespace penstock::engine::functions {
namespace {

// 1 is the first element; -1 the last.
void array_element(const KernelCall& call) {
  const std::int32_t* indices = argument<std::int32_t>(call, 1);
  for (RowIndex row : call.rows) {
    const ListSpan span = call.args[0]->list(row);
    const std::int64_t index =
        indices[row] >= 0 ? std::int64_t{indices[row]} - 1 : std::int64_t{span.size} + indices[row];
    if (index < 0 || index >= span.size) {
      call.result.set_null(row);
      if (call.result.type().is_list()) call.result.values<ListSpan>()[row] = {};
      continue;
    }
    data::copy_cell(call.args[0]->child(0), span.begin + static_cast<std::size_t>(index),
                    call.result, row);
  }
}

void map_element(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    const ListSpan span = call.args[0]->list(row);
    std::uint32_t i = 0;
    while (i < span.size &&
           !data::equal_cells(call.args[0]->child(0), span.begin + i, *call.args[1], row))
      ++i;
    if (i < span.size) {
      data::copy_cell(call.args[0]->child(1), span.begin + i, call.result, row);
      continue;
    }
    call.result.set_null(row);
    if (call.result.type().is_list()) call.result.values<ListSpan>()[row] = {};
  }
}

// Of table functions: the elements are the rows.
void explode(const KernelCall& call) {
  data::copy_rows(*call.args[0], call.rows, call.result);
}

constexpr std::uint32_t kCubeElementsMax = 16;

// All combinations of the elements and NULL: the last element changes fastest, NULL before the
// element; one that is NULL already has no second form.
void cube_explode(const KernelCall& call) {
  data::Column& arrays = call.result.child(0);
  for (RowIndex row : call.rows) {
    const data::Column& elements = call.args[0]->child(0);
    const ListSpan span = call.args[0]->list(row);
    ListOutput out(call, row);
    if (span.size > kCubeElementsMax) {
      out.fail(kListTooLong);
      continue;
    }
    std::uint32_t fixed = 0;  // bits of elements that are NULL
    for (std::uint32_t i = 0; i < span.size; ++i)
      if (elements.is_null(span.begin + i)) fixed |= 1U << (span.size - 1 - i);
    for (std::uint32_t bits = 0; bits < 1U << span.size; ++bits) {
      if ((bits & fixed) != 0) continue;
      const std::size_t at = out.add();
      const std::size_t first = arrays.begin_list(at, span.size);
      for (std::uint32_t i = 0; i < span.size; ++i) {
        if ((bits >> (span.size - 1 - i) & 1U) != 0)
          data::copy_cell(elements, span.begin + i, arrays.child(0), first + i);
        else
          arrays.child(0).set_null(first + i);
      }
    }
    out.done();
  }
}

}  // namespace

FunctionList element_functions() {
  return {
      {"$element",
       "OPERATOR",
       "The element at a place (1 is the first, -1 the last), or of a key; NULL when there is "
       "none.",
       {declared("$element(ARRAY<T>, INTEGER) -> T", array_element),
        declared("$element(MAP<K, V>, K) -> V", map_element)},
       {{"$element(ARRAY['a', 'b'], 1)", "'a'"},
        {"$element(ARRAY['a', 'b'], -1)", "'b'"},
        {"$element(ARRAY['a', 'b'], 0)", "NULL"},
        {"$element(MAP('k' := 7), 'k')", "7"},
        {"$element(MAP('k' := 7), 'x')", "NULL"}}},
      {.name = "EXPLODE",
       .category = "TABLE",
       .help = "One row for each element.",
       .overloads = {declared("EXPLODE(ARRAY<T>) -> T", explode)},
       .examples = {},
       .kind = sql::FunctionKind::table},
      {.name = "CUBE_EXPLODE",
       .category = "TABLE",
       .help = "One row for each combination of the elements and NULL, at most 16 elements.",
       .overloads = {declared("CUBE_EXPLODE(ARRAY<T>) -> ARRAY<T>", cube_explode)},
       .examples = {},
       .kind = sql::FunctionKind::table},
  };
}

}  // namespace penstock::engine::functions
