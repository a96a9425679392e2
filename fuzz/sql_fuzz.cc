// links: sql data base
// Scripts of any bytes: split, parsed and bound; plans that come out are printed.
#include <cstdint>
#include <string_view>

#include "sql/statement.h"
#include "sql/test_environment.h"

namespace {

struct Environment {
  penstock::sql::TestFunctions functions;
  penstock::sql::TestCatalogue catalogue{functions};
};

void print(const penstock::sql::PlanPtr& plan) {
  if (plan) (void)penstock::sql::to_text(*plan);
}

void look_at(const penstock::sql::Statement& statement) {
  using namespace penstock::sql;
  if (const auto* query = std::get_if<SelectQuery>(&statement.node)) print(query->plan);
  if (const auto* create = std::get_if<CreateStreamAs>(&statement.node)) print(create->plan);
  if (const auto* insert = std::get_if<InsertSelect>(&statement.node)) print(insert->plan);
  if (const auto* explain = std::get_if<ExplainStatement>(&statement.node)) {
    if (explain->statement) look_at(*explain->statement);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Environment environment;
  const std::string_view script(reinterpret_cast<const char*>(data), size);
  const auto statements = penstock::sql::split_statements(script);
  if (!statements) return 0;
  for (const auto& text : *statements) {
    const auto statement = penstock::sql::prepare_statement(
        text, environment.catalogue, environment.functions, {}, penstock::sql::kTestShows);
    if (statement) look_at(*statement);
  }
  return 0;
}
