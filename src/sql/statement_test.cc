#include "sql/statement.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/test_environment.h"

namespace penstock::sql {
namespace {

using data::Int128;
using data::Null;

class StatementTest : public ::testing::Test {
 protected:
  Statement prepare(const std::string& text) const {
    auto statement = prepare_statement({text, 1}, catalogue_, functions_, {}, kTestShows);
    EXPECT_TRUE(statement.has_value()) << statement.error().text();
    return statement ? *std::move(statement) : Statement();
  }
  template <typename T>
  T as(const std::string& text) const {
    Statement statement = prepare(text);
    EXPECT_TRUE(std::holds_alternative<T>(statement.node)) << text;
    return std::holds_alternative<T>(statement.node) ? std::get<T>(std::move(statement.node)) : T();
  }
  ErrorCode refusal(const std::string& text) const {
    const auto statement = prepare_statement({text, 1}, catalogue_, functions_, {}, kTestShows);
    EXPECT_FALSE(statement.has_value()) << text.substr(0, 100);
    return statement ? ErrorCode::internal : statement.error().code();
  }

  TestFunctions functions_;
  TestCatalogue catalogue_{functions_};
};

TEST_F(StatementTest, ScriptsAreSplitAtSemicolonsOutsideStringsNamesAndComments) {
  const auto pieces = split_statements(
      "-- head; er\n\nSELECT ';' FROM a; /* ; */\n;;\n  SELECT `;`\n FROM b -- tail;\n;\nSHOW "
      "STREAMS");
  ASSERT_TRUE(pieces.has_value());
  ASSERT_EQ(pieces->size(), 3U);
  EXPECT_EQ((*pieces)[0].text, "SELECT ';' FROM a");
  EXPECT_EQ((*pieces)[0].line, 3U);
  EXPECT_EQ((*pieces)[1].text, "SELECT `;`\n FROM b");
  EXPECT_EQ((*pieces)[1].line, 5U);
  EXPECT_EQ((*pieces)[2].text, "SHOW STREAMS");
  EXPECT_EQ((*pieces)[2].line, 8U);
}

TEST_F(StatementTest, HeadersPassFromPlainStreamsUnlessTheSinkSaysOtherwise) {
  const std::string create = "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'";
  const StreamInfo unsaid = as<CreateStream>(create + ")").stream;
  const StreamInfo pass = as<CreateStream>(create + ", HEADERS='Pass')").stream;
  const StreamInfo drop = as<CreateStream>(create + ", HEADERS='drop')").stream;
  StreamInfo sealed = unsaid;
  sealed.seal = {SealKind::psr1, "p"};
  EXPECT_TRUE(passes_headers(unsaid, unsaid));
  EXPECT_TRUE(passes_headers(unsaid, sealed));
  EXPECT_FALSE(passes_headers(unsaid, drop));
  EXPECT_FALSE(passes_headers(sealed, unsaid));
  EXPECT_FALSE(passes_headers(sealed, drop));
  EXPECT_TRUE(passes_headers(sealed, pass));
  EXPECT_TRUE(as<CreateStreamAs>("CREATE STREAM t WITH (HEADERS='pass') AS SELECT * FROM payments")
                  .stream.headers == HeaderRule::pass);
  for (const std::string wrong : {"'keep'", "''", "1", "true"}) {
    const auto refused =
        prepare_statement({create + ", HEADERS=" + wrong + ")", 1}, catalogue_, functions_);
    ASSERT_FALSE(refused) << wrong;
    if (wrong[0] != '\'') continue;
    EXPECT_NE(refused.error().text().find("'pass'"), std::string::npos);
    EXPECT_NE(refused.error().text().find("'drop'"), std::string::npos);
  }
}

TEST_F(StatementTest, AScriptOfCommentsAndBlanksHoldsNoStatement) {
  EXPECT_EQ(split_statements("\xEF\xBB\xBFSHOW STREAMS;").value().at(0).text, "SHOW STREAMS");
  const auto pieces = split_statements(" -- a\n /* b */ ; \n");
  ASSERT_TRUE(pieces.has_value());
  EXPECT_TRUE(pieces->empty());
}

TEST_F(StatementTest, AnUnclosedQuoteInAScriptIsShownWithItsLine) {
  const auto pieces = split_statements("SHOW STREAMS;\nSELECT 'a FROM b;\n");
  ASSERT_FALSE(pieces.has_value());
  EXPECT_EQ(pieces.error().text(),
            "line 2:8: This string is not closed: a ' is missing.\nSELECT 'a FROM b;\n       ^");
}

TEST_F(StatementTest, ScriptsAreHeldToTheirLimit) {
  EXPECT_TRUE(split_statements(std::string(kScriptBytesMax, ' ')).has_value());
  const auto pieces = split_statements(std::string(kScriptBytesMax + 1, ' '));
  ASSERT_FALSE(pieces.has_value());
  EXPECT_EQ(pieces.error().code(), ErrorCode::limit_exceeded);
}

TEST_F(StatementTest, ErrorsCountLinesFromTheStatementsPlaceInItsScript) {
  const auto pieces = split_statements("SHOW STREAMS;\nSELECT card,\n  amuont\nFROM payments;");
  ASSERT_TRUE(pieces.has_value());
  const auto statement = prepare_statement(pieces->back(), catalogue_, functions_);
  ASSERT_FALSE(statement.has_value());
  EXPECT_EQ(statement.error().text(),
            "line 3:3: Column 'AMUONT' is not known. Did you mean 'AMOUNT'?\n  amuont\n  ^");
}

TEST_F(StatementTest, CreateStreamKeepsEveryTypeKeyAndProperty) {
  const auto create = as<CreateStream>(
      "CREATE OR REPLACE STREAM things (b BOOLEAN, i INT, l BIGINT KEY, d DOUBLE, n DECIMAL(10, "
      "2), s VARCHAR(20), "
      "`y` BYTES, a DATE, t TIME, m TIMESTAMP) WITH (kafka_topic='t.1', format='json', "
      "partitions=3, replicas=1, "
      "timestamp='m', seal='PSR1', key_policy='p-1')");
  EXPECT_TRUE(create.or_replace);
  EXPECT_FALSE(create.if_not_exists);
  const StreamInfo& stream = create.stream;
  EXPECT_EQ(stream.name, "THINGS");
  EXPECT_EQ(stream.schema.text(),
            "`L` BIGINT KEY, `B` BOOLEAN, `I` INTEGER, `D` DOUBLE, `N` DECIMAL(10, 2), `S` STRING, "
            "`y` BYTES, `A` "
            "DATE, `T` TIME, `M` TIMESTAMP");
  EXPECT_EQ(stream.topic, "t.1");
  EXPECT_EQ(stream.key_format, FormatKind::json);
  EXPECT_EQ(stream.value_format, FormatKind::json);
  EXPECT_EQ(stream.partitions, 3);
  EXPECT_EQ(stream.timestamp_column, "M");
  EXPECT_EQ(stream.seal, (SealSpec{SealKind::psr1, "p-1"}));
  EXPECT_TRUE(stream.statement.starts_with("CREATE OR REPLACE STREAM things"));
}

TEST_F(StatementTest, DelimitersHaveNamesForBlankAndTab) {
  const auto delimiter = [&](const std::string& text) {
    return as<CreateStream>(
               "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='DELIMITED', "
               "VALUE_DELIMITER='" +
               text + "')")
        .stream.value_delimiter;
  };
  EXPECT_EQ(delimiter("|"), "|");
  EXPECT_EQ(delimiter("TAB"), "\t");
  EXPECT_EQ(delimiter("space"), " ");
}

TEST_F(StatementTest, AStreamFromAQueryTakesFormatsFromItsSourceButNeverTheSeal) {
  const auto plain = as<CreateStreamAs>(
      "CREATE STREAM IF NOT EXISTS masked AS SELECT id, MASK(card) AS card FROM payments");
  EXPECT_TRUE(plain.if_not_exists);
  EXPECT_EQ(plain.stream.topic, "MASKED");
  EXPECT_EQ(plain.stream.value_format, FormatKind::json);
  EXPECT_EQ(plain.stream.seal.kind, SealKind::none);
  const auto delimited =
      as<CreateStreamAs>("CREATE STREAM o WITH (KAFKA_TOPIC='o-1') AS SELECT * FROM orders");
  EXPECT_EQ(delimited.stream.topic, "o-1");
  EXPECT_EQ(delimited.stream.value_format, FormatKind::delimited);
  EXPECT_EQ(delimited.stream.value_delimiter, ";");
  const auto json =
      as<CreateStreamAs>("CREATE STREAM o WITH (VALUE_FORMAT='JSON') AS SELECT * FROM orders");
  EXPECT_EQ(json.stream.value_delimiter, ",");
}

TEST_F(StatementTest, SourcesSayWhichColumnsAreUsedAndAppendPseudoColumns) {
  const auto query = as<SelectQuery>("SELECT ROWTIME, raw FROM events WHERE day IS NOT NULL");
  EXPECT_FALSE(query.emit_changes);
  const PlanNode* node = query.plan.get();
  while (!node->inputs.empty()) node = node->inputs.front().get();
  const auto& source = std::get<SourceStep>(node->step);
  ASSERT_EQ(node->schema.columns.size(), 6U);
  EXPECT_EQ(node->schema.columns[5].name, "ROWTIME");
  EXPECT_EQ(source.pseudo, std::vector<PseudoColumn>{PseudoColumn::rowtime});
  // AT, DAY, CLOCK, RAW, SENT (the stream's timestamp), ROWTIME
  EXPECT_EQ(source.used, (std::vector<bool>{false, true, false, true, true, true}));
}

TEST_F(StatementTest, CastsCarryTheirTargetAndLikeAnEmptyEscape) {
  const auto query =
      as<SelectQuery>("SELECT CAST(id AS DECIMAL(12, 3)), k LIKE 'a%' FROM orders EMIT CHANGES");
  EXPECT_TRUE(query.emit_changes);
  const auto& items = std::get<ProjectStep>(query.plan->step).items;
  const auto& cast = std::get<CallExpr>(items[0].expr->node);
  EXPECT_EQ(cast.function->name, "$cast");
  EXPECT_EQ(cast.args.size(), 1U);
  EXPECT_EQ(items[0].expr->type.text(), "DECIMAL(12, 3)");
  const auto& like = std::get<CallExpr>(items[1].expr->node);
  ASSERT_EQ(like.args.size(), 3U);
  EXPECT_EQ(std::get<LiteralExpr>(like.args[2]->node).value, data::Value(std::string()));
}

TEST_F(StatementTest, InsertedValuesAreConvertedToTheColumnsTypes) {
  const auto row = as<InsertValues>(
      "INSERT INTO payments (ROWTIME, id, amount, name) VALUES (1700000000000, 'a', 12.5, NULL)");
  EXPECT_EQ(row.timestamp_ms, 1700000000000);
  ASSERT_EQ(row.values.size(), 6U);
  EXPECT_EQ(row.values[0], data::Value(std::string("a")));
  EXPECT_EQ(row.values[1], data::Value(Null{}));
  EXPECT_EQ(row.values[3], data::Value(Int128(1250)));
  const auto numbers =
      as<InsertValues>("INSERT INTO orders VALUES ('k', -(5), CAST('7' AS INT), 2, true, 'it''s')");
  EXPECT_FALSE(numbers.timestamp_ms.has_value());
  EXPECT_EQ(numbers.values[1], data::Value(std::int32_t{-5}));
  EXPECT_EQ(numbers.values[2], data::Value(std::int64_t{7}));
  EXPECT_EQ(numbers.values[3], data::Value(2.0));
  EXPECT_EQ(numbers.values[4], data::Value(true));
  const auto times = as<InsertValues>(
      "INSERT INTO events (at, day, clock) VALUES ('1970-01-01T00:00:01', DATE '1970-01-02', "
      "'00:00:03')");
  EXPECT_EQ(times.values[0], data::Value(std::int64_t{1000}));
  EXPECT_EQ(times.values[1], data::Value(std::int32_t{1}));
  EXPECT_EQ(times.values[2], data::Value(std::int32_t{3000}));
}

TEST_F(StatementTest, NestedValuesAreComputedWhenTheRowIsInserted) {
  const auto row = as<InsertValues>(
      "INSERT INTO clicks (id, tags, place, counts) VALUES (1, ARRAY['a', NULL], STRUCT(zip := 7), "
      "MAP('x' := 1))");
  std::vector<std::size_t> places;
  for (const auto& [place, expr] : row.computed) places.push_back(place);
  EXPECT_EQ(places, (std::vector<std::size_t>{3, 4, 5}));
  EXPECT_EQ(refusal("INSERT INTO clicks (tags) VALUES (ARRAY[page])"),
            ErrorCode::invalid_statement);
}

TEST_F(StatementTest, DecimalsAreInsertedOnlyIfNoDigitIsLost) {
  EXPECT_EQ(refusal("INSERT INTO payments (amount) VALUES (1.005)"), ErrorCode::invalid_statement);
  EXPECT_EQ(refusal("INSERT INTO payments (amount) VALUES (100000000)"),
            ErrorCode::invalid_statement);
  EXPECT_EQ(as<InsertValues>("INSERT INTO payments (amount) VALUES ('99999999.99')").values[3],
            data::Value(Int128(9999999999)));
}

TEST_F(StatementTest, InsertSelectNamesItsQueryAndEndsInTheTarget) {
  const auto insert = as<InsertSelect>(
      "INSERT INTO target WITH (query_id='my_copy') SELECT k, id, price FROM orders");
  EXPECT_EQ(insert.target, "TARGET");
  EXPECT_EQ(insert.query_id, "MY_COPY");
  const auto& sink = std::get<SinkStep>(insert.plan->step);
  EXPECT_EQ(sink.stream.topic, "target");
  EXPECT_EQ(insert.plan->inputs.front()->schema, sink.stream.schema);
}

TEST_F(StatementTest, AdministrationIsReadAsWritten) {
  EXPECT_EQ(as<TerminateStatement>("TERMINATE csas_x_1").query_id, "CSAS_X_1");
  EXPECT_FALSE(as<TerminateStatement>("TERMINATE ALL").query_id.has_value());
  EXPECT_EQ(as<PauseStatement>("PAUSE csas_x_1").query_id, "CSAS_X_1");
  EXPECT_TRUE(as<PauseStatement>("PAUSE ALL").pause);
  EXPECT_FALSE(as<PauseStatement>("RESUME ALL").pause);
  const auto reset = as<ResetPositions>("alter query csas_x_1 reset positions to (3 => 9, 0=>12)");
  EXPECT_EQ(reset.query_id, "CSAS_X_1");
  EXPECT_EQ(reset.to, ResetPositions::To::offsets);
  ASSERT_EQ(reset.offsets.size(), 2u);
  EXPECT_EQ(reset.offsets[0].partition, 0);
  EXPECT_EQ(reset.offsets[0].offset, 12);
  EXPECT_EQ(reset.offsets[1].partition, 3);
  EXPECT_EQ(as<ResetPositions>("ALTER QUERY q RESET POSITIONS TO LATEST").to,
            ResetPositions::To::latest);
  EXPECT_EQ(as<ResetPositions>("ALTER QUERY `q-1` RESET POSITIONS TO earliest").query_id, "q-1");
  EXPECT_EQ(as<SetProperty>("SET 'auto.offset.reset' = 'earliest'").value, "earliest");
  EXPECT_FALSE(as<SetProperty>("UNSET 'auto.offset.reset'").value.has_value());
  EXPECT_EQ(as<DropStream>("DROP STREAM IF EXISTS nothing DELETE TOPIC").name, "NOTHING");
  EXPECT_TRUE(as<DropStream>("DROP STREAM payments DELETE TOPIC").delete_topic);
}

TEST_F(StatementTest, DefinitionsOfEveryKindAreRead) {
  const auto table = as<CreateStream>(
      "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, m MAP<STRING, ARRAY<INT>>) WITH "
      "(KAFKA_TOPIC='t', VALUE_FORMAT='JSON', KEY_FORMAT='DELIMITED', KEY_DELIMITER='|')");
  EXPECT_TRUE(table.stream.is_table());
  EXPECT_EQ(table.stream.key_delimiter, "|");
  EXPECT_EQ(table.stream.schema.columns[1].type.text(), "MAP<STRING, ARRAY<INTEGER>>");
  const auto headers = as<CreateStream>(
      "CREATE SOURCE STREAM s (a INT, h ARRAY<STRUCT<key STRING, value BYTES>> HEADERS) WITH "
      "(KAFKA_TOPIC='t', VALUE_FORMAT='JSON', WRAP_SINGLE_VALUE=false, ON_ERROR='stop')");
  EXPECT_TRUE(headers.stream.read_only);
  EXPECT_EQ(headers.stream.header_columns,
            (std::vector<HeaderColumn>{{.column = 1, .key = std::nullopt}}));
  EXPECT_EQ(headers.stream.wrap_single_value, false);
  EXPECT_EQ(headers.stream.on_error, OnError::stop);
  const auto windowed = as<CreateStream>(
      "CREATE STREAM s (k INT KEY, a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', "
      "WINDOW_TYPE='tumbling', WINDOW_SIZE='30 seconds')");
  EXPECT_EQ(windowed.stream.window, (WindowInfo{.kind = WindowKind::tumbling, .size_ms = 30'000}));
  EXPECT_EQ(as<CreateType>("CREATE TYPE IF NOT EXISTS a AS STRUCT<x INT>").type.text(),
            "STRUCT<`X` INTEGER>");
  EXPECT_TRUE(as<DropType>("DROP TYPE IF EXISTS a").if_exists);
  EXPECT_EQ(as<DropStream>("DROP TABLE users").kind, SourceKind::table);
}

// What is kept of an altered source is one statement that makes it as it is now.
TEST_F(StatementTest, AnAlteredSourceIsReadFromItsOwnStatement) {
  const auto alter =
      as<AlterSource>("ALTER STREAM visits ADD COLUMN m MAP<STRING, INT>, ADD `x y` INT");
  const auto again = as<CreateStream>(alter.source.statement);
  EXPECT_EQ(again.stream.schema, alter.source.schema);
  EXPECT_EQ(again.stream.schema.columns.size(), 5U);
}

TEST_F(StatementTest, DefaultsFillInWhatAStatementLeavesOpen) {
  const StatementDefaults defaults{.key_format = FormatKind::json,
                                   .value_format = FormatKind::delimited,
                                   .wrap_single_values = {},
                                   .topic_prefix = "p_"};
  const auto plain =
      prepare_statement({"CREATE STREAM s (k INT KEY, a INT) WITH (KAFKA_TOPIC='t')", 1},
                        catalogue_, functions_, defaults);
  ASSERT_TRUE(plain) << plain.error().text();
  const StreamInfo& stream = std::get<CreateStream>(plain->node).stream;
  EXPECT_EQ(stream.key_format, FormatKind::json);
  EXPECT_EQ(stream.value_format, FormatKind::delimited);
  const auto derived = prepare_statement({"CREATE STREAM s AS SELECT * FROM visits", 1}, catalogue_,
                                         functions_, defaults);
  ASSERT_TRUE(derived) << derived.error().text();
  EXPECT_EQ(std::get<CreateStreamAs>(derived->node).stream.topic, "p_S");
}

TEST_F(StatementTest, ChecksAndVariablesAreRead) {
  const auto topic = as<AssertTopic>("ASSERT NOT EXISTS TOPIC 'a-b' TIMEOUT 3 SECONDS");
  EXPECT_FALSE(topic.exists);
  EXPECT_EQ(topic.topic, "a-b");
  EXPECT_EQ(topic.timeout_ms, 3000);
  EXPECT_EQ(as<AssertTopic>("ASSERT TOPIC orders WITH (PARTITIONS=2)").partitions, 2);
  EXPECT_EQ(as<DefineVariable>("DEFINE x = 'y'").value, "y");
  EXPECT_FALSE(as<DefineVariable>("UNDEFINE x").value.has_value());
}

TEST_F(StatementTest, PrintedTopicsKeepTheirCase) {
  EXPECT_EQ(as<PrintTopic>("PRINT myTopic").topic, "myTopic");
  const auto print = as<PrintTopic>("PRINT 'my-Topic' FROM BEGINNING LIMIT 3");
  EXPECT_EQ(print.topic, "my-Topic");
  EXPECT_TRUE(print.from_beginning);
  EXPECT_EQ(print.limit, 3);
}

TEST_F(StatementTest, ExplainTakesAQueryIdOrAStatement) {
  EXPECT_EQ(as<ExplainStatement>("EXPLAIN csas_x_1").query_id, "CSAS_X_1");
  const auto explain = as<ExplainStatement>("EXPLAIN SELECT card FROM payments EMIT CHANGES");
  ASSERT_NE(explain.statement, nullptr);
  EXPECT_EQ(explain.statement->text, "SELECT card FROM payments EMIT CHANGES");
  EXPECT_TRUE(std::holds_alternative<SelectQuery>(explain.statement->node));
}

TEST_F(StatementTest, WordsOfOtherStatementsAreOrdinaryNames) {
  prepare(
      "CREATE STREAM stream (key STRING KEY, value STRING, topic INT, partition INT, `SELECT` INT, "
      "type INT, date "
      "DATE, replace INT, show INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON')");
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_F(StatementTest, DeepNestingIsRefusedWithoutOverflow) {
  const std::size_t far = 20'000;
  for (const auto& [open, close] :
       std::vector<std::pair<std::string, std::string>>{{"(", ")"},
                                                        {"NOT ", ""},
                                                        {"- ", ""},
                                                        {"+", ""},
                                                        {"ABS(", ")"},
                                                        {"CAST(", " AS INT)"},
                                                        {"CASE WHEN paid THEN ", " END"},
                                                        {"1 + (", ")"}}) {
    const std::string text =
        "SELECT " + repeated(open, far) + "id" + repeated(close, far) + " FROM orders";
    EXPECT_EQ(refusal(text), ErrorCode::limit_exceeded) << open;
  }
  EXPECT_EQ(refusal("SELECT id" + repeated(" + 1", far) + " FROM orders"),
            ErrorCode::limit_exceeded);
  EXPECT_EQ(refusal("CREATE STREAM s (a " + repeated("ARRAY<", far) + "INT" + repeated(">", far) +
                    ") WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON')"),
            ErrorCode::limit_exceeded);
}

TEST_F(StatementTest, NestingUpToTheLimitWorks) {
  const auto parentheses = [](std::size_t levels) {
    return "SELECT " + repeated("(", levels) + "id" + repeated(")", levels) + " FROM orders";
  };
  prepare(parentheses(kExpressionDepthMax - 1));
  EXPECT_EQ(refusal(parentheses(kExpressionDepthMax)), ErrorCode::limit_exceeded);
  prepare("SELECT id" + repeated(" + 1", kExpressionDepthMax - 1) + " FROM orders");
  EXPECT_EQ(refusal("SELECT id" + repeated(" + 1", kExpressionDepthMax) + " FROM orders"),
            ErrorCode::limit_exceeded);
}

TEST_F(StatementTest, LongChainsOfAndAndOrAreFlat) {
  const auto query =
      as<SelectQuery>("SELECT id FROM orders WHERE id = 0" + repeated(" OR id = 1", 2000));
  const auto& filter = std::get<FilterStep>(query.plan->inputs.front()->step);
  EXPECT_EQ(std::get<LogicalExpr>(filter.predicate->node).terms.size(), 2001U);
}

TEST_F(StatementTest, OperandsOfBetweenInAndCaseAreBoundOnce) {
  std::string text = "paid";
  for (int i = 0; i < 40; ++i) text = "(" + text + " IN (TRUE, FALSE))";
  prepare("SELECT id FROM orders WHERE " + text);
  std::string number = "id";
  for (int i = 0; i < 40; ++i)
    number = "(CASE " + number + " WHEN 1 THEN 2 WHEN 2 THEN 3 ELSE 4 END)";
  prepare("SELECT id FROM orders WHERE " + number + " BETWEEN 1 AND 2");
}

TEST_F(StatementTest, PartsOfExpressionsAreHeldToTheirLimit) {
  const std::string text = "SELECT id FROM orders WHERE id = 0" + repeated(" OR id = 1", 30'000);
  ASSERT_GT(text.size(), kBoundNodesMax);
  EXPECT_EQ(refusal(text), ErrorCode::limit_exceeded);
}

TEST_F(StatementTest, AThousandKeysAreFoundInOneGo) {
  std::string columns;
  for (std::size_t i = 0; i < kColumnsMax; ++i) {
    columns += fmt::format("{}c{} INT{}", i == 0 ? "" : ", ", i, i + 1 < kColumnsMax ? " KEY" : "");
  }
  const auto wide = as<CreateStream>("CREATE STREAM wide (" + columns +
                                     ") WITH (KAFKA_TOPIC='wide', FORMAT='JSON')");
  TestCatalogue catalogue(functions_);
  catalogue.add(wide.stream);
  const auto copy =
      prepare_statement({"CREATE STREAM c AS SELECT * FROM wide", 1}, catalogue, functions_);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(std::get<CreateStreamAs>(copy->node).stream.schema, wide.stream.schema);
}

TEST_F(StatementTest, ColumnsArgumentsAndItemsAreHeldToTheirLimits) {
  const auto columns = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}c{} INT", i == 0 ? "" : ", ", i);
    return "CREATE STREAM s (" + text + ") WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON')";
  };
  prepare(columns(kColumnsMax));
  EXPECT_EQ(refusal(columns(kColumnsMax + 1)), ErrorCode::limit_exceeded);
  const auto call = [](std::size_t count) {
    return "SELECT CONCAT('a'" + repeated(", 'b'", count - 1) + ") FROM orders";
  };
  prepare(call(kArgsMax));
  EXPECT_EQ(refusal(call(kArgsMax + 1)), ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace penstock::sql
