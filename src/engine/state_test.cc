#include "engine/state.h"

#include <memory>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/pipeline.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

const topics::TaskId kStateTask("Q.0/0");

data::Schema schema_of(std::string name, data::TypeKind kind = data::TypeKind::bigint,
                       data::ColumnRole role = data::ColumnRole::value) {
  return {{{std::move(name), data::Type(kind), role}}};
}

// Counts what it was given back, and stores one entry per commit.
class Keeper final : public Operator {
 public:
  Keeper(std::string store, std::vector<std::string>& seen)
      : store_(std::move(store)), seen_(seen) {}
  std::string_view store() const override { return store_; }
  Result<> open(StateReader& state) override {
    return state.each([&](ByteView key, ByteView value) {
      seen_.push_back(fmt::format("{} {}={}", store_, as_text(key), as_text(value)));
    });
  }
  Result<Flow> process(const data::Batch&, Emitter&) override { return Flow::more; }
  Result<Flow> on_stream_time(data::TimestampMs, Emitter&) override { return Flow::more; }
  Result<> on_commit(topics::StateWrites& state) override {
    state.put(as_bytes("k"), as_bytes(store_));
    return {};
  }
  std::size_t uncommitted_bytes() const override { return 0; }
  std::size_t memory_bytes() const override { return 0; }

 private:
  const std::string store_;
  std::vector<std::string>& seen_;
};

class Filter final : public StatelessOperator {
 public:
  Result<Flow> process(const data::Batch&, Emitter&) override { return Flow::more; }
  std::size_t memory_bytes() const override { return 0; }
};

class Stores : public testing::Test {
 protected:
  // "": a step without state.
  Chain chain(const std::vector<std::string>& stores) {
    std::vector<std::unique_ptr<Operator>> operators;
    for (const std::string& store : stores) {
      if (store.empty())
        operators.push_back(std::make_unique<Filter>());
      else
        operators.push_back(std::make_unique<Keeper>(store, seen));
    }
    return Chain(std::move(operators));
  }
  void commit(Chain& chain) {
    auto writer = log->writer(topics::WriterId("w")).value();
    ASSERT_TRUE(writer->restore(kStateTask, [](ByteView, ByteView) {}));
    auto commit = writer->begin().value();
    ASSERT_TRUE(chain.on_commit(commit->state(kStateTask)));
    ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
  }
  Result<> open(Chain chain) {
    auto writer = log->writer(topics::WriterId("w")).value();
    return chain.open(TRY(StoredState::load(*writer, kStateTask)));
  }

  std::unique_ptr<topics::Log> log = topics::make_memory_log(topics::test_identity());
  std::vector<std::string> seen;
};

TEST_F(Stores, StayWithTheirStepWhenOthersComeAndGo) {
  Chain before = chain({"sum.aa", "", "join.bb"});
  commit(before);
  ASSERT_TRUE(open(chain({"", "join.bb", "", "sum.aa", "window.cc"})));
  EXPECT_EQ(seen, (std::vector<std::string>{"join.bb k=join.bb", "sum.aa k=sum.aa"}));
}

TEST_F(Stores, OfOneIdAreToldApart) {
  Chain before = chain({"sum.aa", "sum.aa"});
  commit(before);
  ASSERT_TRUE(open(chain({"sum.aa", "sum.aa"})));
  EXPECT_EQ(seen.size(), 2u);
  const Error error = open(chain({"sum.aa"})).error();
  EXPECT_NE(error.text().find("'sum.aa.2'"), std::string::npos) << error.text();
}

TEST_F(Stores, ThatThePlanDoesNotHaveAreRefusedByName) {
  Chain before = chain({"sum.aa"});
  commit(before);
  const Error error = open(chain({"", "sum.ab"})).error();
  EXPECT_EQ(error.code(), ErrorCode::failed_precondition);
  EXPECT_NE(error.text().find("'sum.aa'"), std::string::npos) << error.text();
  EXPECT_NE(error.text().find("guards, seal, exchange, sum.ab"), std::string::npos) << error.text();
  EXPECT_TRUE(seen.empty());
}

TEST_F(Stores, KeysWithoutAStoreAreRefused) {
  for (const std::string_view key : {std::string_view("\0", 1), std::string_view("\x09guards")}) {
    log = topics::make_memory_log(topics::test_identity());
    auto writer = log->writer(topics::WriterId("w")).value();
    ASSERT_TRUE(writer->restore(kStateTask, [](ByteView, ByteView) {}));
    auto commit = writer->begin().value();
    commit->state(kStateTask).put(as_bytes(key), as_bytes("v"));
    ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
    EXPECT_EQ(open(chain({})).error().code(), ErrorCode::corrupt);
  }
}

TEST(StoreId, HangsOnKindAndColumns) {
  const std::string id = store_id("sum", schema_of("A"));
  EXPECT_EQ(id, store_id("sum", schema_of("A")));
  EXPECT_EQ(id.size(), std::string("sum.").size() + 12);
  EXPECT_EQ((std::set<std::string>{
                 id, store_id("min", schema_of("A")), store_id("sum", schema_of("B")),
                 store_id("sum", schema_of("A", data::TypeKind::integer)),
                 store_id("sum", schema_of("A", data::TypeKind::bigint, data::ColumnRole::key))})
                .size(),
            5u);
}

}  // namespace
}  // namespace penstock::engine
