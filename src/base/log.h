// Logging that cannot print secrets: an event is a literal, and a field's value is a number, an
// error, or text that the caller wraps in Public after making sure that it is no data.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::log {

enum class Level { debug, info, warning, error };

// Text that may be shown to anybody: names of topics, queries and files, our own messages.
struct Public {
  std::string_view text;  // must outlive the call
  explicit Public(std::string_view t) : text(t) {}
};

// A string literal, known when compiled.
class Literal {
 public:
  template <std::size_t n>
  consteval Literal(const char (&text)[n]) : text_(text, n - 1) {}  // NOLINT: implicit on purpose
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// name=value of one log line.
class Field {
 public:
  template <typename T>
    requires std::integral<T> || std::floating_point<T>
  Field(Literal name, T value);
  Field(Literal name, Public value);
  Field(Literal name, const Error& value);
  Field(Literal name, std::string_view value) = delete;  // wrap it in Public, if it is

  std::string_view name() const { return name_; }
  const std::string& value() const { return value_; }

 private:
  Field(std::string_view name, std::string value) : name_(name), value_(std::move(value)) {}
  std::string_view name_;
  std::string value_;
};

// Lines go to stderr: time, level, event, fields. Threads may log at once.
void set_level(Level level);
void write(Level level, Literal event, std::initializer_list<Field> fields = {});

inline void debug(Literal e, std::initializer_list<Field> f = {}) {
  write(Level::debug, e, f);
}
inline void info(Literal e, std::initializer_list<Field> f = {}) {
  write(Level::info, e, f);
}
inline void warning(Literal e, std::initializer_list<Field> f = {}) {
  write(Level::warning, e, f);
}
inline void error(Literal e, std::initializer_list<Field> f = {}) {
  write(Level::error, e, f);
}

template <typename T>
  requires std::integral<T> || std::floating_point<T>
Field::Field(Literal name, T value) : name_(name.text()), value_(std::to_string(value)) {}

}  // namespace penstock::log
