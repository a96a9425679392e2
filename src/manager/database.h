// SQLite as we use it: prepared statements, one transaction at a time, errors as values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace penstock::manager {

// A prepared statement with its bindings. Used by its connection's thread and outlived by it.
class Statement {
 public:
  // From 1, as in SQL. The bytes are copied.
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, ByteView blob);

  // Moves to the next row: false when there is none.
  Result<bool> step();
  // For statements without rows. already_exists: a row with that key is there; not_found: the row
  // that it must refer to is not.
  Result<> run();
  void reset();  // bindings too

  // Of the present row, from 0.
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  ByteBuffer blob(int column) const;

 private:
  friend class Database;
  struct Close {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Error error(int code) const;

  std::unique_ptr<sqlite3_stmt, Close> statement_;
  int bind_failure_ = 0;  // the first code that bind() got; told by step()
};

// A consistent copy while others use it; whatever is at `to` is replaced. Mode 0600.
Result<> copy_database(const std::filesystem::path& from, const std::filesystem::path& to);

// One step of the schema; applied once, in order.
struct Migration {
  int version;
  std::string_view sql;
};

// One connection: one thread at a time. Write-ahead log, synchronous=FULL: what was committed
// survives the loss of power.
class Database {
 public:
  enum class Access : std::uint8_t { write, read };
  // write: makes the file (mode 0600) if it is missing.
  static Result<Database> open(const std::filesystem::path& path, Access access);

  // Brings the schema to the newest version, all in one transaction. failed_precondition: the file
  // was made by a newer program.
  Result<> migrate(std::span<const Migration> migrations);

  Result<> execute(const char* sql);  // any number of statements, no rows
  Result<Statement> prepare(std::string_view sql);
  std::int64_t changes() const;  // rows that the last statement changed

  // Runs `work` in one transaction: committed if it succeeds, else rolled back.
  template <typename Work>
  Result<> transaction(Work work) {
    TRY(execute("BEGIN IMMEDIATE"));
    Result<> done = work();
    if (done) done = execute("COMMIT");
    if (!done) (void)execute("ROLLBACK");
    return done;
  }

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}
  Error error(int code, std::string_view doing) const;

  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace penstock::manager
