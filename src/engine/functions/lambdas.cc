// FILTER, TRANSFORM, REDUCE: the lambda's body is computed for the elements of a whole batch.
#include <algorithm>
#include <numeric>
#include <vector>

#include "engine/functions/families.h"
#include "engine/functions/list_output.h"
#include "engine/functions/overload.h"

namespace penstock::engine::functions {
namespace {

constexpr std::string_view kDuplicateKey = "duplicate_map_key";
constexpr std::string_view kNullKeyOfLambda = "null_map_key";

// The elements of the selected rows, one after the other.
class Elements {
 public:
  explicit Elements(const KernelCall& call) {
    const data::Column& list = *call.args[0];
    for (RowIndex row : call.rows) {
      const ListSpan span = list.list(row);
      for (std::uint32_t i = 0; i < span.size; ++i) {
        rows_.push_back(span.begin + i);
        of_row_.push_back(row);
      }
    }
    for (std::size_t part = 0; part < list.children(); ++part) {
      columns_.emplace_back(list.child(part).type());
      data::gather(list.child(part), rows_, columns_.back());
    }
    for (data::Column& column : columns_) params_.push_back(&column);
  }

  std::size_t size() const { return rows_.size(); }
  const std::vector<RowIndex>& of_row() const { return of_row_; }
  std::span<data::Column* const> params() { return params_; }
  const data::Column& column(std::size_t part) const { return columns_[part]; }

 private:
  std::vector<RowIndex> rows_, of_row_;
  std::vector<data::Column> columns_;
  std::vector<data::Column*> params_;
};

// Which rows failed within a lambda.
std::vector<std::uint8_t> failed_rows(const KernelCall& call, std::size_t errors_before) {
  std::vector<std::uint8_t> failed(call.result.size());
  for (const auto& entry : call.errors.entries().subspan(errors_before))
    if (!entry.contained) failed[entry.row] = 1;
  return failed;
}

void filter(const KernelCall& call) {
  Elements elements(call);
  const data::Column& kept =
      call.lambdas[1]->apply(elements.params(), elements.size(), elements.of_row());
  std::size_t at = 0;
  for (RowIndex row : call.rows) {
    const ListSpan span = call.args[0]->list(row);
    ListOutput out(call, row);
    for (std::uint32_t i = 0; i < span.size; ++i, ++at) {
      if (kept.is_null(at) || kept.values<std::uint8_t>()[at] == 0) continue;
      for (std::size_t part = 0; part < call.args[0]->children(); ++part)
        out.add_copy(call.args[0]->child(part), span.begin + i, part);
    }
    out.done();
  }
}

void transform_array(const KernelCall& call) {
  Elements elements(call);
  const data::Column& values =
      call.lambdas[1]->apply(elements.params(), elements.size(), elements.of_row());
  std::size_t at = 0;
  for (RowIndex row : call.rows) {
    ListOutput out(call, row);
    for (std::uint32_t i = 0; i < call.args[0]->list(row).size; ++i) out.add_copy(values, at++);
    out.done();
  }
}

void transform_map(const KernelCall& call) {
  Elements elements(call);
  const std::size_t errors_before = call.errors.entries().size();
  const data::Column& keys =
      call.lambdas[1]->apply(elements.params(), elements.size(), elements.of_row());
  const data::Column& values =
      call.lambdas[2]->apply(elements.params(), elements.size(), elements.of_row());
  const std::vector<std::uint8_t> failed = failed_rows(call, errors_before);
  std::size_t at = 0;
  for (RowIndex row : call.rows) {
    const std::uint32_t size = call.args[0]->list(row).size;
    ListOutput out(call, row);
    CellSet seen(keys);
    std::string_view why;
    for (std::uint32_t i = 0; i < size; ++i, ++at) {
      if (keys.is_null(at))
        why = kNullKeyOfLambda;
      else if (!seen.insert(at))
        why = kDuplicateKey;
      else if (why.empty())
        out.add_copy(keys, at), out.add_copy(values, at, 1);
    }
    if (why.empty() || failed[row] != 0)
      out.done();
    else
      out.fail(why);
  }
}

// One step for all rows that have so many elements, until none has more.
void reduce(const KernelCall& call) {
  const data::Column& list = *call.args[0];
  data::Column state(call.result.type());
  state.reset(call.result.size());
  std::vector<RowIndex> open;
  for (RowIndex row : call.rows) {
    data::copy_cell(*call.args[1], row, state, row);
    const bool nothing = call.args[1]->is_null(row) || list.is_null(row);
    if (!nothing && list.list(row).size > 0) open.push_back(row);
  }
  std::vector<data::Column> parts;
  for (std::size_t part = 0; part < list.children(); ++part)
    parts.emplace_back(list.child(part).type());
  data::Column states(call.result.type());
  for (std::uint32_t step = 0; !open.empty(); ++step) {
    std::vector<RowIndex> elements;
    for (RowIndex row : open) elements.push_back(list.list(row).begin + step);
    data::gather(state, open, states);
    std::vector<data::Column*> params = {&states};
    for (std::size_t part = 0; part < parts.size(); ++part) {
      data::gather(list.child(part), elements, parts[part]);
      params.push_back(&parts[part]);
    }
    const std::size_t errors_before = call.errors.entries().size();
    const data::Column& next = call.lambdas[2]->apply(params, open.size(), open);
    for (std::size_t i = 0; i < open.size(); ++i) data::copy_cell(next, i, state, open[i]);
    const std::vector<std::uint8_t> failed = failed_rows(call, errors_before);
    std::erase_if(
        open, [&](RowIndex row) { return failed[row] != 0 || list.list(row).size <= step + 1; });
  }
  data::copy_rows(state, call.rows, call.result);
}

}  // namespace

FunctionList lambda_functions() {
  return {
      {"FILTER",
       "LAMBDA",
       "The elements or entries for which the lambda is true.",
       {declared("FILTER(ARRAY<T>, (T) => BOOLEAN) -> ARRAY<T>", filter),
        declared("FILTER(MAP<K, V>, (K, V) => BOOLEAN) -> MAP<K, V>", filter)},
       {{"FILTER(ARRAY[1, 2, 3], X => X > 1)", "[2, 3]"},
        {"FILTER(MAP('a' := 1, 'b' := 2), (K, V) => V > 1)", "{'b'=2}"}}},
      {"TRANSFORM",
       "LAMBDA",
       "What the lambda makes of each element; of maps, of each key and of each value.",
       {declared("TRANSFORM(ARRAY<T>, (T) => R) -> ARRAY<R>", transform_array),
        declared("TRANSFORM(MAP<K, V>, (K, V) => R, (K, V) => T) -> MAP<R, T>", transform_map)},
       {{"TRANSFORM(ARRAY[1, 2], X => X + 1)", "[2, 3]"},
        {"TRANSFORM(MAP('a' := 1), (K, V) => K || 'b', (K, V) => V * 2)", "{'ab'=2}"}}},
      {"REDUCE",
       "LAMBDA",
       "The state after the lambda has taken all elements or entries, in order.",
       {sees_nulls(declared("REDUCE(ARRAY<T>, S, (S, T) => S) -> S", reduce)),
        sees_nulls(declared("REDUCE(MAP<K, V>, S, (S, K, V) => S) -> S", reduce))},
       {{"REDUCE(ARRAY[1, 2, 3], 10, (S, X) => S + X)", "16"},
        {"REDUCE(MAP('a' := 1, 'b' := 2), 0, (S, K, V) => S + V)", "3"},
        {"REDUCE(ARRAY['a', 'b'], '', (S, X) => X || S)", "'ba'"}}},
  };
}

}  // namespace penstock::engine::functions
