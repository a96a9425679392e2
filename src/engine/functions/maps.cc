// AS_MAP, MAP_..., ENTRIES.
#include <algorithm>
#include <numeric>
#include <vector>

#include "data/key_places.h"
#include "engine/functions/families.h"
#include "engine/functions/list_output.h"
#include "engine/functions/overload.h"

namespace penstock::engine::functions {
namespace {

// Puts an entry in; of equal keys the last one's value stays.
void put_entry(const KernelCall& call, ListOutput& out, data::KeyPlaces& places,
               const data::Column& keys, std::size_t key, const data::Column* values,
               std::size_t value) {
  data::Column &to_keys = call.result.child(0), &to_values = call.result.child(1);
  const auto known = places.find(out.size(), keys, key);
  const std::size_t at = known ? *known : out.add();
  if (!known) data::copy_cell(keys, key, to_keys, at);
  if (values != nullptr)
    data::copy_cell(*values, value, to_values, at);
  else
    to_values.set_null(at);
}

constexpr std::string_view kNullKey = "null_map_key";

void as_map(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    const ListSpan keys = call.args[0]->list(row), values = call.args[1]->list(row);
    ListOutput out(call, row);
    data::KeyPlaces places(call.result.child(0), out.first());
    bool null_key = false;
    for (std::uint32_t i = 0; i < keys.size && !null_key; ++i) {
      null_key = call.args[0]->child(0).is_null(keys.begin + i);
      if (!null_key)
        put_entry(call, out, places, call.args[0]->child(0), keys.begin + i,
                  i < values.size ? &call.args[1]->child(0) : nullptr, values.begin + i);
    }
    null_key ? out.fail(kNullKey) : out.done();
  }
}

template <std::size_t part>
void map_part(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    const ListSpan span = call.args[0]->list(row);
    ListOutput out(call, row);
    for (std::uint32_t i = 0; i < span.size; ++i)
      out.add_copy(call.args[0]->child(part), span.begin + i);
    out.done();
  }
}

void map_union(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    if (call.args[0]->is_null(row) && call.args[1]->is_null(row)) {
      null_list(call, row);
      continue;
    }
    ListOutput out(call, row);
    data::KeyPlaces places(call.result.child(0), out.first());
    for (const data::Column* map : call.args) {
      if (map->is_null(row)) continue;
      const ListSpan span = map->list(row);
      for (std::uint32_t i = 0; i < span.size; ++i)
        put_entry(call, out, places, map->child(0), span.begin + i, &map->child(1), span.begin + i);
    }
    out.done();
  }
}

void entries(const KernelCall& call) {
  const std::uint8_t* sorted = argument<std::uint8_t>(call, 1);
  std::vector<std::size_t> order;
  for (RowIndex row : call.rows) {
    const data::Column &keys = call.args[0]->child(0), &values = call.args[0]->child(1);
    const ListSpan span = call.args[0]->list(row);
    order.resize(span.size);
    std::iota(order.begin(), order.end(), span.begin);
    if (sorted[row] != 0)
      std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        return data::compare_cells(keys, a, keys, b) < 0;
      });
    ListOutput out(call, row);
    for (const std::size_t at : order) {
      const std::size_t to = out.add();
      data::copy_cell(keys, at, call.result.child(0).child(0), to);
      data::copy_cell(values, at, call.result.child(0).child(1), to);
    }
    out.done();
  }
}

}  // namespace

FunctionList map_functions() {
  return {
      {"AS_MAP",
       "MAP",
       "The map of these keys to these values; missing values are NULL.",
       {declared("AS_MAP(ARRAY<STRING>, ARRAY<T>) -> MAP<STRING, T>", as_map)},
       {{"AS_MAP(ARRAY['a', 'b'], ARRAY[1])", "{'a'=1, 'b'=NULL}"}}},
      {"MAP_KEYS",
       "MAP",
       "The keys, in the order in which they were put in.",
       {declared("MAP_KEYS(MAP<STRING, T>) -> ARRAY<STRING>", map_part<0>)},
       {{"MAP_KEYS(MAP('b' := 1, 'a' := 2))", "['b', 'a']"}}},
      {"MAP_VALUES",
       "MAP",
       "The values, in the order of their keys.",
       {declared("MAP_VALUES(MAP<STRING, T>) -> ARRAY<T>", map_part<1>)},
       {{"MAP_VALUES(MAP('b' := 1, 'a' := 2))", "[1, 2]"}}},
      {"MAP_UNION",
       "MAP",
       "The entries of both; of equal keys the second one's.",
       {sees_nulls(
           declared("MAP_UNION(MAP<STRING, T>, MAP<STRING, T>) -> MAP<STRING, T>", map_union))},
       {{"MAP_UNION(MAP('a' := 1, 'b' := 2), MAP('b' := 3))", "{'a'=1, 'b'=3}"}}},
      {"ENTRIES",
       "MAP",
       "The entries as an array, by key when the second argument is TRUE.",
       {declared("ENTRIES(MAP<STRING, INTEGER>, BOOLEAN) -> ARRAY<STRUCT<K STRING, V INTEGER>>",
                 entries),
        declared("ENTRIES(MAP<STRING, BIGINT>, BOOLEAN) -> ARRAY<STRUCT<K STRING, V BIGINT>>",
                 entries),
        declared("ENTRIES(MAP<STRING, DOUBLE>, BOOLEAN) -> ARRAY<STRUCT<K STRING, V DOUBLE>>",
                 entries),
        declared("ENTRIES(MAP<STRING, BOOLEAN>, BOOLEAN) -> ARRAY<STRUCT<K STRING, V BOOLEAN>>",
                 entries),
        declared("ENTRIES(MAP<STRING, STRING>, BOOLEAN) -> ARRAY<STRUCT<K STRING, V STRING>>",
                 entries)},
       {{"ENTRIES(MAP('b' := 1, 'a' := 2), TRUE)", "[{K='a', V=2}, {K='b', V=1}]"}}},
  };
}

}  // namespace penstock::engine::functions
