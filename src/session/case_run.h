// Statements and records of one test case (`penstock test`): the statements on a catalogue of their
// own, each query over records that come one at a time, by the engine's own tasks over logs in
// memory. Nothing is shared with a session; no threads, no clock.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "session/session.h"
#include "session/world.h"
#include "sql/statement.h"

namespace penstock::session {

struct CaseRecord {
  std::string topic;
  std::optional<std::string> key, value;  // as they lie in the topic
  std::int64_t timestamp_ms = 0;
  ByteBuffer headers = {};  // packed as topics::pack_headers does
};

// A topic as the case leaves it.
struct CaseTopic {
  std::string name;
  std::int32_t partitions = 0;
};

class CaseRun {
 public:
  virtual ~CaseRun() = default;

  // A topic that is there before the first statement.
  virtual Result<> add_topic(const std::string& name, std::int32_t partitions) = 0;

  // Parses, binds and carries out the next statement, but starts no query: what it makes is known
  // to the statements that follow. SELECT and PRINT are refused.
  virtual Result<> execute(const sql::StatementText& statement) = 0;

  // After the last statement: whether this engine can run the queries that they started. The error
  // of the first that it cannot, with the number of its statement (of the calls of execute()).
  struct Refused {
    std::size_t statement;
    Error error;
  };
  virtual std::optional<Refused> check_queries() = 0;

  // Feeds the queries, in the order in which they were started. Each reads, of its source topics,
  // the inputs one by one in their order, every record processed and committed before the next
  // one; then what earlier queries and INSERT VALUES wrote into those of its sources that have no
  // inputs. An error is the first query's that stopped.
  virtual Result<> feed(std::span<const CaseRecord> inputs) = 0;

  // The same statements in a real session over a log in memory, whose topics hold all inputs at
  // once; all queries run beside each other until there is nothing left to do.
  virtual Result<> feed_batched(std::span<const CaseRecord> inputs) = 0;

  // What INSERT VALUES and the queries wrote, in its order.
  virtual const std::vector<CaseRecord>& outputs() const = 0;
  virtual const StreamCatalogue& catalogue() const = 0;
  virtual std::vector<CaseTopic> topics() = 0;  // sorted by name, without inputs' own bookkeeping
};

// properties: hold for every statement; names that nobody knows are passed over. invalid_argument:
// a value that is refused.
Result<std::unique_ptr<CaseRun>> make_case_run(const Properties& properties);

}  // namespace penstock::session
