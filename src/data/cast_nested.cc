// Casts of arrays, maps and structs: part by part, structs by the fields' names.
#include <string>
#include <vector>

#include "data/cast.h"
#include "data/cell.h"

namespace penstock::data {
namespace {

// The cells of `rows` in the type of `to`, which gets as many rows; errors are of these.
void cast_parts(const Column& from, std::span<const RowIndex> rows, Column& to, Arena& arena,
                RowErrors& errors);

void nested_to_string(const CastCall& call) {
  Text* out = call.to.values<Text>().data();
  std::string text;
  for (RowIndex row : call.rows) {
    text.clear();
    append_cell_text(text, call.from, row);
    out[row] = Text();
    if (text.size() > kTextResultBytesMax)
      call.errors.add(row, kTextTooLong);
    else
      out[row] = call.arena.copy(text);
  }
}

// The elements of all rows are cast at once; one that fails fails its row.
void list_to_list(const CastCall& call) {
  const Column& from = call.from;
  std::vector<RowIndex> elements, of_element;
  for (RowIndex row : call.rows) {
    const ListSpan span = from.list(row);
    call.to.begin_list(row, span.size);
    for (std::uint32_t i = 0; i < span.size; ++i) {
      elements.push_back(span.begin + i);
      of_element.push_back(row);
    }
  }
  for (std::size_t part = 0; part < from.children(); ++part) {
    Column made(call.to.child(part).type());
    RowErrors errors;
    cast_parts(from.child(part), elements, made, call.arena, errors);
    for (const auto& entry : errors.entries()) call.errors.add(of_element[entry.row], entry.reason);
    std::size_t at = 0;
    for (RowIndex row : call.rows) {
      const ListSpan span = call.to.list(row);
      for (std::uint32_t i = 0; i < span.size; ++i)
        copy_cell(made, at++, call.to.child(part), span.begin + i);
    }
  }
}

void struct_to_struct(const CastCall& call) {
  const Column& from = call.from;
  const std::vector<RowIndex> rows(call.rows.begin(), call.rows.end());
  for (std::size_t i = 0; i < call.to.children(); ++i) {
    Column& to = call.to.child(i);
    std::size_t source = 0;
    while (source < from.children() &&
           from.type().fields()[source].name != call.to.type().fields()[i].name)
      ++source;
    if (source == from.children()) {
      for (RowIndex row : call.rows) to.set_null(row);
      continue;
    }
    Column made(to.type());
    RowErrors errors;
    cast_parts(from.child(source), rows, made, call.arena, errors);
    for (const auto& entry : errors.entries()) call.errors.add(rows[entry.row], entry.reason);
    for (std::size_t at = 0; at < rows.size(); ++at) copy_cell(made, at, to, rows[at]);
  }
}

void cast_parts(const Column& from, std::span<const RowIndex> rows, Column& to, Arena& arena,
                RowErrors& errors) {
  if (from.type() == to.type()) return gather(from, rows, to);
  Column gathered(from.type());
  gather(from, rows, gathered);
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
  cast({gathered, to, there, arena, errors});
}

}  // namespace

CastKernel cast_nested(TypeKind from, TypeKind to) {
  if (to == TypeKind::string) return nested_to_string;
  if (from != to) return nullptr;
  return from == TypeKind::struct_ ? struct_to_struct : list_to_list;
}

}  // namespace penstock::data
