#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/check.h"
#include "base/source_tree.h"
#include "sql/golden_cases.h"
#include "sql/statement.h"
#include "sql/test_environment.h"

namespace penstock::sql {
namespace {

class Golden : public ::testing::Test {
 protected:
  Result<Statement> prepare(const std::string& text) const {
    const auto statements = split_statements(text);
    if (!statements) return fail(statements.error());
    if (statements->size() != 1)
      return prepare_statement({text, 1}, catalogue_, functions_, {}, kTestShows);
    return prepare_statement(statements->front(), catalogue_, functions_, {}, kTestShows);
  }

  TestFunctions functions_;
  TestCatalogue catalogue_{functions_};
};

std::string plan_text(const PlanPtr& plan) {
  std::string text = to_text(*plan);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string schema_text(const PlanPtr& plan) {
  return "Columns " + plan->schema.text() + "\n" + plan_text(plan);
}

TEST_F(Golden, ErrorsSayWhatIsWrongWhereAndWhatWasProbablyMeant) {
  const std::string path = source_tree() / "tests/sql_errors/messages.txt";
  EXPECT_GE(read_golden(path).size(), 70U);
  check_golden(path, [&](const std::string& text) {
    const auto statement = prepare(text);
    if (statement) return std::string("accepted");
    return fmt::format("{}: {}", facts_of(statement.error().code()).name, statement.error().text());
  });
}

TEST_F(Golden, StatementsBecomeThePlansThatEngineExecutes) {
  const std::string path = source_tree() / "src/sql/testdata/plans.txt";
  check_golden(path, [&](const std::string& text) {
    const auto statement = prepare(text);
    if (!statement) return statement.error().text();
    if (const auto* query = std::get_if<SelectQuery>(&statement->node))
      return schema_text(query->plan);
    if (const auto* create = std::get_if<CreateStreamAs>(&statement->node))
      return plan_text(create->plan);
    if (const auto* insert = std::get_if<InsertSelect>(&statement->node))
      return plan_text(insert->plan);
    return std::string("no plan");
  });
}

}  // namespace
}  // namespace penstock::sql
