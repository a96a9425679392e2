// A small catalogue and functions without kernels (but for casts, which fold constants), for sql's
// own tests and fuzz target only.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "data/cast.h"
#include "sql/function.h"
#include "sql/operator_names.h"
#include "sql/statement.h"
#include "sql/stream_info.h"

namespace penstock::sql {

class TestFunctions final : public FunctionCatalogue {
 public:
  TestFunctions() {
    add_arithmetic();
    add_predicates();
    add_functions();
  }

  const ScalarFunction* find(std::string_view name) const override {
    for (const ScalarFunction& function : functions_) {
      if (function.name == name) return &function;
    }
    return nullptr;
  }
  std::span<const ScalarFunction> all() const override { return functions_; }

 private:
  using Types = std::span<const data::Type>;
  using Rule = data::Type (*)(Types);

  static data::Type gives_boolean(Types) { return data::Type(data::TypeKind::boolean); }
  static data::Type gives_string(Types) { return data::Type(data::TypeKind::string); }
  static data::Type gives_integer(Types) { return data::Type(data::TypeKind::integer); }
  static data::Type gives_double(Types) { return data::Type(data::TypeKind::double_); }
  static data::Type gives_first(Types types) { return types.front(); }

  static void cast_argument(const KernelCall& call) {
    data::cast({*call.args[0], call.result, call.rows, call.arena, call.errors});
  }

  void add(std::string_view name, std::vector<Overload> overloads) {
    for (Overload& overload : overloads) overload.signature.name = name;
    functions_.push_back({.name = name,
                          .category = "TEST",
                          .help = "",
                          .overloads = std::move(overloads),
                          .examples = {}});
  }
  static Overload overload(std::vector<ArgKind> args, Rule result, bool variadic = false) {
    Overload made;
    for (const ArgKind kind : args) made.signature.args.push_back(pattern_of(kind));
    made.signature.variadic = variadic;
    made.result = result;
    return made;
  }

  void add_arithmetic() {
    using enum ArgKind;
    for (const auto name : {op::kAdd, op::kDivide, op::kModulo, op::kMultiply, op::kSubtract}) {
      std::vector<Overload> overloads;
      for (const ArgKind kind : {integer, bigint, decimal, double_})
        overloads.push_back(overload({kind, kind}, gives_first));
      add(name, std::move(overloads));
    }
    add(op::kNegate, {overload({integer}, gives_first), overload({bigint}, gives_first),
                      overload({decimal}, gives_first), overload({double_}, gives_first)});
    add(op::kConcat, {overload({string, string}, gives_string)});
  }

  void add_predicates() {
    using enum ArgKind;
    for (const auto name : {op::kEqual, op::kNotEqual, op::kLess, op::kLessEqual, op::kGreater,
                            op::kGreaterEqual, op::kIsDistinct}) {
      add(name, {overload({same, same}, gives_boolean)});
    }
    add(op::kNot, {overload({boolean}, gives_boolean)});
    add(op::kIsNull, {overload({any}, gives_boolean)});
    add(op::kLike, {overload({string, string, string}, gives_boolean)});
    add(op::kCast, {overload({any}, gives_first)});
    functions_.back().overloads.front().kernel = cast_argument;
  }

  void add_functions() {
    using enum ArgKind;
    add("ABS", {overload({integer}, gives_first), overload({bigint}, gives_first),
                overload({double_}, gives_first), overload({decimal}, gives_first)});
    add("COALESCE", {overload({any, same}, gives_first, true)});
    add("CONCAT", {overload({string, string}, gives_string, true)});
    add("LEN", {overload({string}, gives_integer), overload({bytes}, gives_integer)});
    add("MASK", {overload({string}, gives_string),
                 overload({string, string, string, string, string}, gives_string)});
    add("MASK_LEFT", {overload({string, integer}, gives_string)});
    add("SQRT", {overload({double_}, gives_double)});
    add("SUBSTRING", {overload({string, integer}, gives_string),
                      overload({string, integer, integer}, gives_string)});
    add("UCASE", {overload({string}, gives_string)});
    add_signatures("AS_VALUE", FunctionKind::scalar, {"AS_VALUE(T) -> T"});
    add_signatures(op::kElement, FunctionKind::scalar,
                   {"$element(ARRAY<T>, INTEGER) -> T", "$element(MAP<K, V>, K) -> V"});
    add_signatures("TRANSFORM", FunctionKind::scalar,
                   {"TRANSFORM(ARRAY<T>, (T) => R) -> ARRAY<R>"});
    add_signatures("COUNT", FunctionKind::aggregate, {"COUNT() -> BIGINT", "COUNT(T) -> BIGINT"});
    add_signatures("SUM", FunctionKind::aggregate,
                   {"SUM(INTEGER) -> INTEGER", "SUM(BIGINT) -> BIGINT", "SUM(DOUBLE) -> DOUBLE"});
    add_signatures("COLLECT_SET", FunctionKind::aggregate, {"COLLECT_SET(T) -> ARRAY<T>"});
    for (Overload& overload : functions_.back().overloads) overload.undo = false;
    add_signatures("EXPLODE", FunctionKind::table, {"EXPLODE(ARRAY<T>) -> T"});
  }

  void add_signatures(std::string_view name, FunctionKind kind,
                      std::initializer_list<std::string_view> signatures) {
    std::vector<Overload> overloads;
    for (const std::string_view text : signatures) {
      Overload one;
      one.signature = parse_signature(text);
      one.undo = true;
      overloads.push_back(std::move(one));
    }
    add(name, std::move(overloads));
    functions_.back().kind = kind;
  }

  std::vector<ScalarFunction> functions_;
};

// As a session has them.
constexpr std::array<std::string_view, 13> kTestShows = {"SHOW STREAMS|TABLES [EXTENDED]",
                                                         "SHOW [ALL] TOPICS [EXTENDED]",
                                                         "SHOW QUERIES",
                                                         "SHOW FUNCTIONS",
                                                         "SHOW PROPERTIES",
                                                         "SHOW VARIABLES",
                                                         "SHOW TYPES",
                                                         "SHOW [SOURCE|SINK] CONNECTORS",
                                                         "SHOW CONNECTOR PLUGINS",
                                                         "DESCRIBE FUNCTION <function>",
                                                         "DESCRIBE CONNECTOR <connector>",
                                                         "DESCRIBE STREAMS|TABLES [EXTENDED]",
                                                         "DESCRIBE <source> [EXTENDED]"};

class TestCatalogue final : public Catalogue {
 public:
  // Streams of every kind that the tests name.
  explicit TestCatalogue(const FunctionCatalogue& functions) {
    for (const char* text : {
             "CREATE STREAM PAYMENTS (ID STRING KEY, CARD STRING, NAME STRING, AMOUNT "
             "DECIMAL(10,2), MERCHANT STRING, "
             "COUNTRY STRING) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', SEAL='psr1', "
             "KEY_POLICY='payments-v1')",
             "CREATE STREAM ORDERS (K STRING KEY, ID INT, UNITS BIGINT, PRICE DOUBLE, PAID "
             "BOOLEAN, `Note` STRING) WITH "
             "(KAFKA_TOPIC='orders', VALUE_FORMAT='DELIMITED', VALUE_DELIMITER=';')",
             "CREATE STREAM EVENTS (AT TIMESTAMP, DAY DATE, CLOCK TIME, RAW BYTES, SENT BIGINT) "
             "WITH "
             "(KAFKA_TOPIC='events', VALUE_FORMAT='JSON', TIMESTAMP='SENT')",
             "CREATE STREAM PAIRS (A INT KEY, B INT KEY, C INT) WITH (KAFKA_TOPIC='pairs', "
             "FORMAT='JSON')",
             "CREATE STREAM CLICKS (ID BIGINT KEY, USER_ID BIGINT, PAGE STRING, TAGS "
             "ARRAY<STRING>, PLACE STRUCT<CITY STRING, ZIP INT>, COUNTS MAP<STRING, INT>) WITH "
             "(KAFKA_TOPIC='clicks', FORMAT='JSON')",
             "CREATE TABLE USERS (ID BIGINT PRIMARY KEY, NAME STRING, BOSS BIGINT) WITH "
             "(KAFKA_TOPIC='users', VALUE_FORMAT='JSON')",
             "CREATE TABLE BOSSES (ID BIGINT PRIMARY KEY, NAME STRING) WITH (KAFKA_TOPIC='bosses', "
             "VALUE_FORMAT='JSON')",
             "CREATE STREAM VISITS (ID BIGINT KEY, SHOP STRING, N INT) WITH (KAFKA_TOPIC='visits', "
             "VALUE_FORMAT='JSON')",
             "CREATE STREAM SESSIONS (ID BIGINT KEY, N INT) WITH (KAFKA_TOPIC='sessions', "
             "VALUE_FORMAT='JSON', WINDOW_TYPE='SESSION')",
             "CREATE SOURCE STREAM GIVEN (ID BIGINT KEY, H BYTES HEADER('trace')) WITH "
             "(KAFKA_TOPIC='given', VALUE_FORMAT='JSON')",
             "CREATE STREAM TARGET (K STRING KEY, ID BIGINT, PRICE DOUBLE) WITH "
             "(KAFKA_TOPIC='target', VALUE_FORMAT='JSON')",
         }) {
      auto statement = prepare_statement({text, 1}, *this, functions);
      CHECK(statement.has_value());
      StreamInfo stream = std::get<CreateStream>(statement->node).stream;
      const std::string name = stream.name;
      streams_.emplace(name, std::move(stream));
    }
  }

  void add(const StreamInfo& stream) { streams_.insert_or_assign(stream.name, stream); }

  const StreamInfo* find(std::string_view name) const override {
    const auto found = streams_.find(std::string(name));
    return found == streams_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, stream] : streams_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, StreamInfo> streams_;
};

}  // namespace penstock::sql
