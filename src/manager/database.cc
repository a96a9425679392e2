#include "manager/database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"

namespace penstock::manager {
namespace {

constexpr int kBusyTimeoutMs = 5'000;

constexpr const char* kWriteSettings =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
    "PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;";
constexpr const char* kReadSettings = "PRAGMA trusted_schema=OFF; PRAGMA query_only=ON;";

// SQLite's messages name tables and columns, never values.
Error sqlite_error(int code, std::string_view doing, const char* message) {
  ErrorCode kind = ErrorCode::io;
  switch (code & 0xff) {
    case SQLITE_FULL:
      kind = ErrorCode::out_of_space;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = ErrorCode::corrupt;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      kind = ErrorCode::busy;
      break;
    case SQLITE_TOOBIG:
      kind = ErrorCode::limit_exceeded;
      break;
    case SQLITE_PERM:
    case SQLITE_READONLY:
      kind = ErrorCode::permission_denied;
      break;
    case SQLITE_CONSTRAINT:
      kind =
          code == SQLITE_CONSTRAINT_FOREIGNKEY ? ErrorCode::not_found : ErrorCode::already_exists;
      break;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      kind = ErrorCode::internal;
      break;
    default:
      break;
  }
  return Error(kind, fmt::format("{}: {} (SQLite {})", doing, message, code));
}

// SQLite would make the file readable for the group; its journal takes the file's mode.
Result<> make_private(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail(os_error("creating", path, errno));
  return {};
}

}  // namespace

void Statement::Close::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Error Statement::error(int code) const {
  return sqlite_error(code, "the manager's database",
                      sqlite3_errmsg(sqlite3_db_handle(statement_.get())));
}

Statement& Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), index, value);
  if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  const int code = sqlite3_bind_text64(statement_.get(), index, text.data() ? text.data() : "",
                                       text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
  return *this;
}

Statement& Statement::bind(int index, ByteView blob) {
  const int code = blob.empty() ? sqlite3_bind_zeroblob(statement_.get(), index, 0)
                                : sqlite3_bind_blob64(statement_.get(), index, blob.data(),
                                                      blob.size(), SQLITE_TRANSIENT);
  if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_failure_ != SQLITE_OK) return fail(error(bind_failure_));
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(error(code));
}

Result<> Statement::run() {
  Result<bool> row = step();
  if (row) {
    reset();
    return {};
  }
  Error seen = std::move(row).error();
  reset();
  return fail(std::move(seen));
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bind_failure_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text ? std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size))
              : std::string();
}

ByteBuffer Statement::blob(int column) const {
  const auto* data =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data ? ByteBuffer(data, data + size) : ByteBuffer();
}

void Database::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Error Database::error(int code, std::string_view doing) const {
  return sqlite_error(code, doing, sqlite3_errmsg(connection_.get()));
}

Result<Database> Database::open(const std::filesystem::path& path, Access access) {
  const bool write = access == Access::write;
  if (write) TRY(make_private(path));
  sqlite3* connection = nullptr;
  // The connection is used by one thread at a time, so SQLite need not lock it.
  const int flags = (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  Database database(connection);
  const std::string doing = fmt::format("opening '{}'", path.string());
  if (code != SQLITE_OK) {
    return fail(sqlite_error(code, doing, connection ? sqlite3_errmsg(connection) : "no memory"));
  }
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  TRY_IN(database.execute(write ? kWriteSettings : kReadSettings), doing);
  return database;
}

Result<> Database::migrate(std::span<const Migration> migrations) {
  return transaction([&]() -> Result<> {
    TRY(execute("CREATE TABLE IF NOT EXISTS schema_version(version INTEGER PRIMARY KEY)"));
    std::int64_t version = 0;
    {
      Statement newest = TRY(prepare("SELECT coalesce(max(version), 0) FROM schema_version"));
      if (TRY(newest.step())) version = newest.integer(0);
    }
    const int known = migrations.empty() ? 0 : migrations.back().version;
    if (version > known) {
      return fail(ErrorCode::failed_precondition,
                  fmt::format("the manager's database has schema version {}, this program knows "
                              "{}: use the newer program",
                              version, known));
    }
    for (const Migration& migration : migrations) {
      if (migration.version <= version) continue;
      TRY(execute(std::string(migration.sql).c_str()));
      Statement note = TRY(prepare("INSERT INTO schema_version(version) VALUES(?)"));
      TRY(note.bind(1, std::int64_t{migration.version}).run());
    }
    return {};
  });
}

Result<> Database::execute(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code, "the manager's database"));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return fail(error(code, "the manager's database"));
  CHECK(statement != nullptr);
  return Statement(statement);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(connection_.get());
}

Result<> copy_database(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code ignored;
  std::filesystem::remove(to, ignored);
  TRY(write_new_file(to, {}, 0600));  // SQLite fills an empty file and keeps its mode
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(from.c_str(), &connection,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closes(connection, sqlite3_close_v2);
  const std::string doing = fmt::format("copying '{}'", from.string());
  if (code != SQLITE_OK)
    return fail(sqlite_error(code, doing, connection ? sqlite3_errmsg(connection) : "no memory"));
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  sqlite3_stmt* statement = nullptr;
  int copied = sqlite3_prepare_v2(connection, "VACUUM INTO ?", -1, &statement, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> ends(statement, sqlite3_finalize);
  if (copied == SQLITE_OK)
    copied = sqlite3_bind_text(statement, 1, to.c_str(), -1, SQLITE_TRANSIENT);
  if (copied == SQLITE_OK) copied = sqlite3_step(statement);
  if (copied != SQLITE_DONE) return fail(sqlite_error(copied, doing, sqlite3_errmsg(connection)));
  return {};
}

}  // namespace penstock::manager
