// Where statements go: a server, or a session in this process.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/signals.h"
#include "session/session.h"

namespace penstock::cli {

// Takes the rows of a query as they come.
class RowSink {
 public:
  virtual ~RowSink() = default;
  struct Head {
    std::string name;
    std::string type;  // as ksqlDB writes it: "BIGINT", "DECIMAL(10, 2)"
  };
  virtual Result<> head(const std::vector<Head>& columns) = 0;
  virtual Result<> row(const std::vector<std::string>& cells) = 0;  // each a JSON text
  virtual Result<> text(std::string_view line) = 0;                 // PRINT
  // Records were left out; the text counts all so far.
  virtual Result<> skipped(std::string_view text) = 0;
  virtual Result<> pause() = 0;  // nothing more is at hand: show what there is
};

// One thread.
class SqlTarget {
 public:
  virtual ~SqlTarget() = default;
  virtual std::string name() const = 0;  // for SERVER
  virtual Result<std::string> version() = 0;

  // Everything but SELECT and PRINT. Entities as ksqlDB's REST answers have them, one per statement
  // that was done.
  struct Answer {
    OrderedJson entities = OrderedJson::array();
    std::optional<Error> error;
  };
  virtual Answer execute(const std::string& script, const session::Properties& properties) = 0;

  // One SELECT or PRINT, until it ends or a signal comes (then true).
  virtual Result<bool> select(const std::string& statement, const session::Properties& properties,
                              const Signals& signals, RowSink& rows) = 0;

  virtual Result<bool> is_valid_property(const std::string& property) = 0;
};

}  // namespace penstock::cli
