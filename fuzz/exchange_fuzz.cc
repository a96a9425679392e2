// links: engine topics data base
// Records between the stages of a query, and cells as bytes: what a stage reads back from the log.
#include <cstdint>
#include <memory>
#include <vector>

#include "data/cell_bytes.h"
#include "engine/exchange.h"

namespace {

using penstock::data::Type;
using penstock::data::TypeKind;

std::vector<Type> types() {
  return {Type(TypeKind::string), Type(TypeKind::bigint), Type::decimal(20, 2).value(),
          Type::map(Type(TypeKind::string), Type::array(Type(TypeKind::integer))),
          Type::structure({{"A", Type(TypeKind::double_)}, {"B", Type(TypeKind::boolean)}})};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  static const std::vector<Type> kTypes = types();
  const ByteView input(data, size);
  data::Arena arena;
  std::vector<std::unique_ptr<data::Column>> columns;
  std::vector<data::Column*> views;
  for (const Type& type : kTypes) {
    columns.push_back(std::make_unique<data::Column>(type));
    columns.back()->reset(1);
    views.push_back(columns.back().get());
  }
  engine::ExchangeReader reader("between", 0, nullptr);
  data::RowKind kind{};
  (void)reader.read(input, 0, 0, views, kind, arena);
  for (const Type& type : kTypes) {  // what is a cell gives the same bytes again
    data::Column column(type);
    column.reset(1);
    ByteView taken = input, skipped = input;
    const bool is_cell = data::take_cell_bytes(taken, column, 0, arena);
    const bool is_skipped = data::skip_cell_bytes(skipped, type);
    if (is_cell && (!is_skipped || skipped.size() != taken.size())) __builtin_trap();
    if (!is_cell || type.kind() == TypeKind::struct_) continue;  // a double has several forms
    ByteBuffer again;
    data::append_cell_bytes(again, column, 0);
    if (again.size() != input.size() - taken.size()) __builtin_trap();
  }
  return 0;
}
