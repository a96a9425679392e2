// Casts of arrays, maps and structs: part by part, structs by the fields' names.
#include <vector>

#include "engine/functions/cast.h"
#include "engine/functions/limits.h"
#include "engine/functions/list_output.h"

namespace penstock::engine::functions {
namespace {

void cast_parts(const KernelCall& call, const data::Column& from, std::span<const RowIndex> rows,
                data::Column& to);

void nested_to_string(const KernelCall& call) {
  std::string text;
  for (RowIndex row : call.rows) {
    text.clear();
    data::append_cell_text(text, *call.args[0], row);
    results<Text>(call)[row] = Text();
    if (text.size() > kTextResultBytesMax)
      call.errors.add(row, kTextTooLong);
    else
      results<Text>(call)[row] = call.arena.copy(text);
  }
}

// The elements of all rows are cast at once; one that fails fails its row.
void list_to_list(const KernelCall& call) {
  const data::Column& from = *call.args[0];
  std::vector<RowIndex> elements, of_element;
  for (RowIndex row : call.rows) {
    const ListSpan span = from.list(row);
    call.result.begin_list(row, span.size);
    for (std::uint32_t i = 0; i < span.size; ++i) {
      elements.push_back(span.begin + i);
      of_element.push_back(row);
    }
  }
  for (std::size_t part = 0; part < from.children(); ++part) {
    data::Column made(call.result.child(part).type());
    sql::RowErrors errors;
    cast_parts({{}, call.result, {}, call.arena, errors}, from.child(part), elements, made);
    for (const auto& entry : errors.entries()) call.errors.add(of_element[entry.row], entry.reason);
    std::size_t at = 0;
    for (RowIndex row : call.rows) {
      const ListSpan span = call.result.list(row);
      for (std::uint32_t i = 0; i < span.size; ++i)
        data::copy_cell(made, at++, call.result.child(part), span.begin + i);
    }
  }
}

void struct_to_struct(const KernelCall& call) {
  const data::Column& from = *call.args[0];
  const std::vector<RowIndex> rows(call.rows.begin(), call.rows.end());
  for (std::size_t i = 0; i < call.result.children(); ++i) {
    data::Column& to = call.result.child(i);
    std::size_t source = 0;
    while (source < from.children() &&
           from.type().fields()[source].name != call.result.type().fields()[i].name)
      ++source;
    if (source == from.children()) {
      for (RowIndex row : call.rows) to.set_null(row);
      continue;
    }
    data::Column made(to.type());
    sql::RowErrors errors;
    cast_parts({{}, call.result, {}, call.arena, errors}, from.child(source), rows, made);
    for (const auto& entry : errors.entries()) call.errors.add(rows[entry.row], entry.reason);
    for (std::size_t at = 0; at < rows.size(); ++at) data::copy_cell(made, at, to, rows[at]);
  }
}

// to[i] = from[rows[i]] in the type of `to`; errors are of i.
void cast_parts(const KernelCall& call, const data::Column& from, std::span<const RowIndex> rows,
                data::Column& to) {
  if (from.type() == to.type()) return data::gather(from, rows, to);
  data::Column gathered(from.type());
  data::gather(from, rows, gathered);
  to.reset(rows.size());
  std::vector<RowIndex> there;
  for (RowIndex i = 0; i < rows.size(); ++i) {
    if (!gathered.is_null(i)) {
      there.push_back(i);
      continue;
    }
    to.set_null(i);
    if (to.type().is_list()) to.values<ListSpan>()[i] = {};
  }
  const sql::Kernel kernel = cast_kernel(from.type().kind(), to.type().kind());
  const data::Column* args[] = {&gathered};
  if (kernel != nullptr) return kernel({args, to, there, call.arena, call.errors});
  for (RowIndex i : there) {
    to.set_null(i);
    call.errors.add(i, kCastFailed);
  }
}

}  // namespace

sql::Kernel cast_nested(data::TypeKind from, data::TypeKind to) {
  using data::TypeKind;
  if (to == TypeKind::string) return nested_to_string;
  if (from != to) return nullptr;
  return from == TypeKind::struct_ ? struct_to_struct : list_to_list;
}

}  // namespace penstock::engine::functions
