#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "net/http_client.h"
#include "server/server.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::server {
namespace {

using testing::HasSubstr;
using testing::Not;

// A log that has seen something.
class EventfulLog final : public topics::Log {
 public:
  Result<> create(const topics::TopicSpec& spec) override { return log_->create(spec); }
  Result<topics::TopicInfo> describe(const topics::TopicName& topic) override {
    return log_->describe(topic);
  }
  Result<std::vector<topics::TopicName>> list() override { return log_->list(); }
  Result<> remove(const topics::TopicName& topic) override { return log_->remove(topic); }
  Result<std::unique_ptr<topics::Reader>> reader(const topics::TopicPartition& from,
                                                 topics::Offset start,
                                                 topics::ReadCheck check) override {
    return log_->reader(from, start, check);
  }
  Result<std::unique_ptr<topics::Writer>> writer(const topics::WriterId& id) override {
    return log_->writer(id);
  }
  Result<bool> wait(std::span<topics::Reader* const> readers, topics::Deadline deadline) override {
    return log_->wait(readers, deadline);
  }
  void wake() override { log_->wake(); }
  topics::LogFigures figures() const override {
    topics::LogFigures out;
    out.committed = 5;
    out.unknown = 1;
    out.commit_seconds = 0.75;
    out.commit_seconds_max = 0.5;
    out.client_restarts = 2;
    out.rebalances = 3;
    out.misbehaviour = {{"topic_recreated", "input", 1, 4, "it has another id now"}};
    return out;
  }

 private:
  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
};

class StatusRoutes : public testing::Test {
 protected:
  void start(LogFacts facts) {
    session_ = session::open_session(log_, nullptr, {}).value();
    server_ = Server::start(*session_, log_, {.http = {}, .log = std::move(facts)}).value();
  }
  void TearDown() override {
    server_.reset();
    session_.reset();
  }
  std::string get(std::string path) const {
    auto response = net::http_call(*net::parse_http_address(server_->address()),
                                   {.method = "GET", .path = std::move(path)});
    EXPECT_TRUE(response) << response.error().text();
    return response ? response->body : std::string();
  }

  EventfulLog log_;
  std::unique_ptr<session::Session> session_;
  std::unique_ptr<Server> server_;
};

TEST_F(StatusRoutes, TellWhatKafkaDid) {
  start({.kind = "kafka", .bootstrap = "a:1", .shared = true, .instance = "one"});
  const Json status = Json::parse(get("/penstock/status"));
  EXPECT_EQ(status["log"],
            Json({{"kind", "kafka"}, {"bootstrap", "a:1"}, {"shared", true}, {"instance", "one"}}));
  EXPECT_EQ(status["commits"]["committed"], 5);
  EXPECT_EQ(status["commits"]["seconds_max"], 0.5);
  EXPECT_EQ(status["client_restarts"], 2);
  EXPECT_EQ(status["rebalances"], 3);
  ASSERT_EQ(status["misbehaviour"].size(), 1u);
  EXPECT_EQ(status["misbehaviour"][0]["kind"], "topic_recreated");
  EXPECT_EQ(status["misbehaviour"][0]["count"], 4);
  EXPECT_EQ(status["misbehaviour"][0]["last"], "it has another id now");
}

TEST_F(StatusRoutes, CountWhatKafkaDid) {
  start({.kind = "kafka", .bootstrap = "a:1"});
  const std::string page = get("/metrics");
  for (const char* line :
       {"penstock_log_commits_total{outcome=\"committed\"} 5\n",
        "penstock_log_commits_total{outcome=\"unknown\"} 1\n",
        "# TYPE penstock_log_commit_seconds summary\n", "penstock_log_commit_seconds_sum 0.75\n",
        "penstock_log_commit_seconds_count 6\n", "penstock_log_commit_seconds_max 0.5\n",
        "penstock_log_client_restarts_total 2\n", "penstock_log_rebalances_total 3\n",
        "penstock_log_misbehaviour_total{kind=\"topic_recreated\",topic=\"input\",partition=\"1\"} "
        "4\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST_F(StatusRoutes, SayNothingOfAFolderThatIsNotCounted) {
  start({});
  EXPECT_THAT(get("/metrics"), Not(HasSubstr("penstock_log_")));
}

}  // namespace
}  // namespace penstock::server
