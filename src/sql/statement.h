// Statements after binding: what session executes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "data/value.h"
#include "sql/plan.h"
#include "sql/show_syntax.h"
#include "sql/stream_info.h"

namespace penstock::sql {

// WITH (ON_CHANGE='...'): what becomes of the positions of a query whose statement was changed
// beyond what CREATE OR REPLACE allows.
enum class OnChange : std::uint8_t {
  go_on,    // 'continue': the query goes on from them
  restart,  // positions and state are forgotten
};

struct CreateStream {  // or a table, by its description
  StreamInfo stream;
  bool or_replace = false, if_not_exists = false;
};
struct DropStream {
  std::string name;
  bool if_exists = false, delete_topic = false;
  SourceKind kind = SourceKind::stream;
};
// ALTER STREAM|TABLE name ADD COLUMN ...: the description with the columns added.
struct AlterSource {
  StreamInfo source;
};
struct CreateType {
  std::string name;
  data::Type type;
  bool if_not_exists = false;
};
struct DropType {
  std::string name;
  bool if_exists = false;
};
// DEFINE name = 'value'; UNDEFINE name.
struct DefineVariable {
  std::string name;
  std::optional<std::string> value;  // absent: UNDEFINE
};
// ASSERT [NOT EXISTS] TOPIC name [WITH (PARTITIONS=n, ...)] [TIMEOUT n unit]
struct AssertTopic {
  std::string topic;
  bool exists = true;
  std::optional<std::int32_t> partitions, replicas;
  std::optional<std::int64_t> timeout_ms;
};
// A statement that is read and answered with "not yet": what it would do.
struct NotYet {
  std::string what;
};
struct CreateStreamAs {
  StreamInfo stream;  // schema derived from the query
  PlanPtr plan;       // ends in a SinkStep
  bool or_replace = false, if_not_exists = false;
  std::optional<std::string> query_id;  // WITH (QUERY_ID='...')
  std::optional<OnChange> on_change;
};
struct InsertSelect {
  std::string target;
  std::optional<std::string> query_id;  // WITH (QUERY_ID='...')
  PlanPtr plan;                         // ends in a SinkStep
  std::optional<OnChange> on_change;
};
struct InsertValues {
  StreamInfo target;
  std::vector<data::Value> values;  // one per column of the target; Null where not given
  // Values that engine has to compute, in the columns' types, over no row: by column; often empty.
  std::map<std::size_t, std::shared_ptr<const Expr>> computed;
  std::optional<std::int64_t> timestamp_ms;  // ROWTIME
};
struct SelectQuery {
  PlanPtr plan;              // no sink
  bool emit_changes = true;  // push; false: what is there now, then end
};
// SHOW, LIST and DESCRIBE.
struct ShowStatement {
  std::size_t syntax = 0;               // which of those that the statement was prepared with
  std::vector<std::string> words = {};  // behind the verb
  std::string name = {};                // empty: the syntax has none
  bool has(std::string_view word) const { return std::ranges::find(words, word) != words.end(); }
};
struct Statement;
struct ExplainStatement {
  std::optional<std::string> query_id;   // EXPLAIN CSAS_X_1
  std::unique_ptr<Statement> statement;  // EXPLAIN SELECT ...
};
struct TerminateStatement {
  std::optional<std::string> query_id;  // absent: ALL
};
// PAUSE id | ALL, RESUME id | ALL
struct PauseStatement {
  std::optional<std::string> query_id;  // absent: ALL
  bool pause = true;                    // false: RESUME
};
// ALTER QUERY id RESET POSITIONS TO earliest | latest | (partition => offset, ...)
struct ResetPositions {
  enum class To : std::uint8_t { earliest, latest, offsets };
  struct PartitionOffset {
    std::int32_t partition;
    std::int64_t offset;
  };
  std::string query_id;
  To to = To::earliest;
  std::vector<PartitionOffset> offsets;  // sorted by partition, each once
};
// CREATE SOURCE|SINK CONNECTOR name WITH (...). Which options there are, and of which values, the
// connector's declaration says.
struct CreateConnector {
  std::string name;
  bool source = true;  // false: a sink
  bool if_not_exists = false;
  std::map<std::string, std::string, std::less<>> options;  // by lower-case name, as written
};
struct DropConnector {
  std::string name;
  bool if_exists = false;
};
// PAUSE CONNECTOR name, RESUME CONNECTOR name
struct PauseConnector {
  std::string name;
  bool pause = true;
};
struct SetProperty {
  std::string name;
  std::optional<std::string> value;  // absent: UNSET
};
struct PrintTopic {
  std::string topic;
  bool from_beginning = false;
  std::optional<std::int64_t> interval = {};  // every n-th record
  std::optional<std::int64_t> limit;
};

struct Statement {
  std::string text;  // as written, without the semicolon
  std::variant<CreateStream, DropStream, CreateStreamAs, AlterSource, CreateType, DropType,
               DefineVariable, AssertTopic, NotYet, InsertSelect, InsertValues, SelectQuery,
               ShowStatement, ExplainStatement, TerminateStatement, PauseStatement, ResetPositions,
               SetProperty, PrintTopic, CreateConnector, DropConnector, PauseConnector>
      node;
};

// Splits a script at semicolons outside strings and comments; each piece without its semicolon,
// trimmed; empty pieces are left out. Errors: unterminated string or comment, limits.
struct StatementText {
  std::string text;
  std::uint32_t line;  // from 1, of its first character in the script
};
Result<std::vector<StatementText>> split_statements(std::string_view script);

// Parses and binds one statement; `shows` are the SHOW and DESCRIBE that there are.
// invalid_statement: the message is
//   line 1:15: Column 'AMUONT' is not known. Did you mean 'AMOUNT'?
//   SELECT card, amuont FROM payments
//                ^
//
// Properties that say what a statement leaves open.
struct StatementDefaults {
  FormatKind key_format = FormatKind::kafka;    // ksql.persistence.default.format.key
  std::optional<FormatKind> value_format = {};  // ksql.persistence.default.format.value
  std::optional<bool> wrap_single_values = {};  // ksql.persistence.wrap.single.values
  std::string topic_prefix = {};                // ksql.output.topic.name.prefix
  bool strict_time = false;                     // ksql.timestamp.throw.on.invalid
  bool nested_errors_null = true;               // ksql.nested.error.set.null
  bool emits_final = true;                      // ksql.suppress.enabled
  CollectLimits limits = {};                    // ksql.functions.collect_list.limit, ..._set.limit
};
Result<Statement> prepare_statement(const StatementText& text, const Catalogue& catalogue,
                                    const FunctionCatalogue& functions,
                                    const StatementDefaults& defaults = {},
                                    ShowSyntaxes shows = {});

// The text with ${name} replaced outside of comments; names that are not defined are an error.
// ${secret:NAME} stays as it is. invalid_statement: a value that is not allowed where it stands.
using Variables = std::map<std::string, std::string>;
Result<std::string> substitute_variables(const StatementText& text, const Variables& variables);

}  // namespace penstock::sql
