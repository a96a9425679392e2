#include "session/case_run.h"

#include <algorithm>
#include <atomic>
#include <set>

#include <fmt/format.h>

#include "engine/query.h"
#include "engine/task.h"
#include "session/dry_effects.h"
#include "session/properties.h"
#include "session/row_inserter.h"
#include "session/script_run.h"
#include "session/state_identity.h"
#include "topics/memory_log.h"
#include "topics/partitioner.h"
#include "topics/read_to_end.h"

namespace penstock::session {
namespace {

constexpr std::int32_t kCasePartitions = 4;  // of topics that a case does not describe
constexpr std::size_t kCaseReadBytes = 1 << 20;
constexpr std::string_view kCaseService = "test_";

Result<std::unique_ptr<topics::Log>> case_log() {
  return topics::make_memory_log(TRY(state_identity(std::string(kCaseService), nullptr)));
}

Result<> make_topic(topics::Log& log, const std::string& name, std::int32_t partitions = 1) {
  const auto topic = TRY(topics::TopicName::parse(name));
  auto made = log.create({.name = topic, .partitions = partitions});
  if (!made && made.error().code() != ErrorCode::already_exists) return made;
  return {};
}

topics::RecordView view_of(const CaseRecord& record) {
  topics::RecordView view;
  if (record.key) view.key = as_bytes(*record.key);
  if (record.value) view.value = as_bytes(*record.value);
  view.timestamp_ms = record.timestamp_ms;
  view.headers = record.headers;
  return view;
}

Result<> append(topics::Writer& writer, const CaseRecord& record, std::int32_t partition = 0) {
  auto commit = TRY(writer.begin());
  topics::RecordBatch batch;
  batch.append(view_of(record));
  TRY(commit->append({TRY(topics::TopicName::parse(record.topic)), partition}, batch));
  const auto done = commit->finish();
  return done.error ? fail(*done.error) : Result<>();
}

CaseRecord record_of(const std::string& topic, const topics::RecordView& view) {
  CaseRecord out{.topic = topic, .key = {}, .value = {}, .timestamp_ms = view.timestamp_ms};
  if (view.key) out.key = std::string(as_text(*view.key));
  if (view.value) out.value = std::string(as_text(*view.value));
  out.headers.assign(view.headers.begin(), view.headers.end());
  return out;
}

// Adds what a topic of the log holds, but for that many records at the front of each partition.
using Skips = std::map<std::int32_t, topics::Offset>;
Result<> read_topic(topics::Log& log, const std::string& name, const Skips& skips,
                    std::vector<CaseRecord>& out) {
  const auto topic = TRY(topics::TopicName::parse(name));
  const topics::TopicInfo info = TRY(log.describe(topic));
  for (std::int32_t p = 0; p < info.spec.partitions; ++p) {
    const topics::PartitionInfo& range = info.partitions[static_cast<std::size_t>(p)];
    const auto skip = skips.find(p);
    const topics::Offset from = skip == skips.end() ? range.first : skip->second;
    auto reader = TRY(log.reader({topic, p}, std::min(from, range.end)));
    topics::ReadBuffer buffer;
    while (TRY(topics::next_before(log, *reader, range.end, buffer, kCaseReadBytes)) > 0) {
      for (std::size_t row = 0; row < buffer.size(); ++row)
        out.push_back(record_of(name, buffer[row]));
    }
  }
  return {};
}

struct Started {
  std::size_t statement;
  PersistentQuery query;
};

// Every topic is there; queries are remembered, not started; rows of INSERT VALUES are kept.
class CaseEffects final : public Effects {
 public:
  explicit CaseEffects(std::unique_ptr<topics::Log> rows)
      : log_(std::move(rows)),
        inserter_(*log_, nullptr, sealed_, topics::WriterId("test_insert_values")) {}

  Result<std::optional<topics::TopicSpec>> topic(const topics::TopicName& name) override {
    const auto at = topics_.find(name);
    return at == topics_.end() ? std::nullopt : std::optional(at->second);
  }
  Result<> create_topic(const topics::TopicSpec& spec) override {
    topics_.insert_or_assign(spec.name, spec);
    return {};
  }
  Result<> remove_topic(const topics::TopicName& topic) override {
    topics_.erase(topic);
    return {};
  }
  Result<> start_query(const PersistentQuery& query) override {
    started_.push_back({statement, query});
    return {};
  }
  Result<> claim_sinks(const std::vector<const PersistentQuery*>&,
                       const std::map<std::string, PersistentQuery>&, bool) override {
    return {};
  }
  Result<> stop_query(const std::string& id, bool) override {
    std::erase_if(started_, [&](const Started& one) { return one.query.id == id; });
    return {};
  }
  Result<> pause_query(const std::string&, bool) override { return {}; }
  Result<> start_connector(const World&, const Connector&) override { return {}; }
  Result<> stop_connector(const std::string&, bool) override { return {}; }
  Result<> pause_connector(const std::string&, bool) override { return {}; }
  Result<> reset_query(const std::string&, const engine::ResetTo&) override { return {}; }
  Result<> insert_row(const sql::InsertValues& row, const std::optional<Accepted>&) override {
    const std::string& topic = row.target.topic;
    TRY(make_topic(*log_, topic));
    const auto before = TRY(log_->describe(TRY(topics::TopicName::parse(topic))));
    TRY(inserter_.insert(row));
    return read_topic(*log_, topic, {{0, before.partitions[0].end}}, rows);
  }
  Result<> record(const std::vector<Accepted>&) override { return {}; }

  const std::map<topics::TopicName, topics::TopicSpec>& topics() const { return topics_; }
  const std::vector<Started>& started() const { return started_; }

  std::size_t statement = 0;  // the one that is carried out
  std::vector<CaseRecord> rows;

 private:
  std::unique_ptr<topics::Log> log_;
  seal::TopicSettingsTable sealed_;
  RowInserter inserter_;
  std::map<topics::TopicName, topics::TopicSpec> topics_;
  std::vector<Started> started_;
};

// One query with a log of its own.
class CaseQuery {
 public:
  static Result<std::unique_ptr<CaseQuery>> make(const PersistentQuery& query) {
    auto made = std::unique_ptr<CaseQuery>(new CaseQuery(TRY(case_log()), query));
    for (const sql::StreamInfo* source : sources_of(*query.plan))
      TRY(make_topic(*made->log_, source->topic));
    TRY(make_topic(*made->log_, query.sink_topic));
    made->stages_ = TRY(engine::Query::create(*made->log_, engine::QueryId(query.id), query.plan,
                                              engine::StartAt::earliest));
    for (const auto& stage : made->stages_) TRY(engine::Task::check(made->context_, *stage));
    return made;
  }

  Result<> start() {
    for (const auto& stage : stages_) {
      for (std::int32_t p = 0; p < stage->partitions(); ++p)
        tasks_.push_back(TRY(engine::Task::build(context_, stage, p)));
    }
    writer_ = TRY(log_->writer(topics::WriterId("test_inputs")));
    return drain();
  }
  Result<> feed(const CaseRecord& record) {
    TRY(append(*writer_, record));
    return drain();
  }
  Result<> take_outputs(std::vector<CaseRecord>& out) const {
    return read_topic(*log_, sink_topic_, {}, out);
  }

 private:
  CaseQuery(std::unique_ptr<topics::Log> log, const PersistentQuery& query)
      : log_(std::move(log)), sink_topic_(query.sink_topic) {
    options_.commit = {.records = 1, .output_bytes = 1, .age = std::chrono::milliseconds(0)};
    options_.each_change = true;
  }

  // Stage by stage: none feeds one before it.
  Result<> drain() {
    for (const auto& task : tasks_) TRY(drain(*task));
    return {};
  }
  Result<> drain(engine::Task& task) {
    using Step = engine::Task::Step;
    for (;;) {
      const Step step = TRY(task.step(std::chrono::steady_clock::now()));
      if (step == Step::idle) break;
      if (step != Step::worked) TRY(task.commit());
    }
    if (auto error = stages_.front()->error()) return fail(*std::move(error));
    return {};
  }

  std::unique_ptr<topics::Log> log_;
  std::string sink_topic_;
  engine::RuntimeOptions options_;
  engine::ProgressSignal progress_;
  std::atomic<bool> shared_ = false;
  engine::TaskContext context_{*log_, nullptr, options_, progress_, shared_};
  engine::QueryStages stages_;
  std::unique_ptr<topics::Writer> writer_;
  std::vector<std::unique_ptr<engine::Task>> tasks_;  // stage by stage
};

class CaseRunImpl final : public CaseRun {
 public:
  CaseRunImpl(std::unique_ptr<topics::Log> rows, const Properties& properties)
      : effects_(std::move(rows)), given_(properties), properties_(properties) {
    options_.service_id = kCaseService;
    options_.default_partitions = kCasePartitions;
    options_.sink_partitions = kCasePartitions;
  }

  Result<> add_topic(const std::string& name, std::int32_t partitions) override {
    given_topics_.push_back({name, partitions});
    return effects_.create_topic(
        {.name = TRY(topics::TopicName::parse(name)), .partitions = partitions});
  }

  Result<> execute(const sql::StatementText& statement) override {
    effects_.statement = statements_.size();
    statements_.push_back(statement);
    const ScriptPlace place{nullptr, nullptr, nullptr, options_, nullptr};
    ScriptPass pass{.world = world_,
                    .effects = effects_,
                    .properties = properties_,
                    .variables = variables_,
                    .again = Again::refused};
    ScriptResult result = run_statements(place, {statement}, pass);
    properties_ = std::move(pass.properties);
    variables_ = std::move(pass.variables);
    if (result.error) return fail(*std::move(result.error));
    return {};
  }

  std::optional<Refused> check_queries() override {
    for (const Started& started : effects_.started()) {
      auto made = CaseQuery::make(started.query);
      if (!made) return Refused{started.statement, std::move(made).error()};
    }
    return std::nullopt;
  }

  Result<> feed(std::span<const CaseRecord> inputs) override {
    outputs_ = effects_.rows;
    std::set<std::string> given;
    for (const CaseRecord& input : inputs) given.insert(input.topic);
    for (const PersistentQuery* query : in_data_order()) {
      TRY_IN(feed_query(*query, inputs, given), fmt::format("query {}", query->id));
    }
    return {};
  }

  Result<> feed_batched(std::span<const CaseRecord> inputs) override;
  const std::vector<CaseRecord>& outputs() const override { return outputs_; }
  const StreamCatalogue& catalogue() const override { return world_.catalogue; }
  std::vector<CaseTopic> topics() override {
    std::vector<CaseTopic> out;
    for (const auto& [name, spec] : effects_.topics())
      out.push_back({name.text(), spec.partitions});
    for (const Started& started : effects_.started())
      for (const std::string& name :
           engine::exchange_topics(engine::QueryId(started.query.id), *started.query.plan))
        out.push_back({name, 1});
    std::ranges::sort(out, {}, &CaseTopic::name);
    return out;
  }

 private:
  // Each behind those that write what it reads, as far as there is such an order.
  std::vector<const PersistentQuery*> in_data_order() const {
    std::vector<const PersistentQuery*> left, ordered;
    for (const Started& started : effects_.started()) left.push_back(&started.query);
    const auto is_ready = [&left](const PersistentQuery* query) {
      const auto reads = sources_of(*query->plan);
      return std::ranges::none_of(left, [&](const PersistentQuery* other) {
        return other != query && std::ranges::any_of(reads, [&](const sql::StreamInfo* source) {
                 return source->topic == other->sink_topic;
               });
      });
    };
    while (!left.empty()) {
      auto next = std::ranges::find_if(left, is_ready);
      if (next == left.end()) next = left.begin();
      ordered.push_back(*next);
      left.erase(next);
    }
    return ordered;
  }

  Result<> feed_query(const PersistentQuery& query, std::span<const CaseRecord> inputs,
                      const std::set<std::string>& given) {
    std::set<std::string> sources;
    for (const sql::StreamInfo* source : sources_of(*query.plan)) sources.insert(source->topic);
    const auto one = TRY(CaseQuery::make(query));
    TRY(one->start());
    for (const CaseRecord& input : inputs) {
      if (sources.contains(input.topic)) TRY(one->feed(input));
    }
    const std::size_t written = outputs_.size();
    for (std::size_t i = 0; i < written; ++i) {
      const CaseRecord& record = outputs_[i];
      if (sources.contains(record.topic) && !given.contains(record.topic)) TRY(one->feed(record));
    }
    return one->take_outputs(outputs_);
  }

  SessionOptions options_;
  CaseEffects effects_;
  World world_;
  const Properties given_;
  Properties properties_;
  sql::Variables variables_;
  std::vector<CaseTopic> given_topics_;
  std::vector<sql::StatementText> statements_;
  std::vector<CaseRecord> outputs_;
};

Result<> CaseRunImpl::feed_batched(std::span<const CaseRecord> inputs) {
  auto log = TRY(case_log());
  std::map<std::string, std::int32_t> said;  // by PARTITIONS
  for (const std::string& name : catalogue().names()) {
    const sql::StreamInfo& stream = *catalogue().find(name);
    if (stream.partitions) said[stream.topic] = *stream.partitions;
  }
  const auto partitions_of = [&](const std::string& topic) {
    const auto at = said.find(topic);
    return at == said.end() ? 1 : at->second;
  };
  for (const CaseTopic& topic : given_topics_)
    TRY(make_topic(*log, topic.name, partitions_of(topic.name)));
  for (const CaseRecord& input : inputs)
    TRY(make_topic(*log, input.topic, partitions_of(input.topic)));
  SessionOptions options = options_;
  options.default_partitions = 1;
  options.sink_partitions = 1;
  auto session = TRY(open_session(*log, nullptr, options));
  auto writer = TRY(log->writer(topics::WriterId("test_inputs")));
  std::map<std::string, Skips> given;
  for (const CaseRecord& input : inputs) {
    const std::int32_t partition =
        input.key ? topics::partition_of(as_bytes(*input.key), partitions_of(input.topic)) : 0;
    TRY(append(*writer, input, partition));
    ++given[input.topic][partition];
  }
  std::string script;
  for (const sql::StatementText& statement : statements_) script += statement.text + ";\n";
  ScriptResult result = session->execute(script, given_, Again::refused);
  if (result.error) return fail(*std::move(result.error));
  TRY(session->drain());
  session->close();
  outputs_.clear();
  for (const topics::TopicName& topic : TRY(log->list())) {
    if (topic.text().starts_with("_") || topic.text().ends_with(".dead_letters")) continue;
    TRY(read_topic(*log, topic.text(), given[topic.text()], outputs_));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<CaseRun>> make_case_run(const Properties& properties) {
  // Cases set switches of versions long gone: what nobody knows is passed over, as by their
  // harness.
  Properties known = properties;
  std::erase_if(known, [](const auto& one) { return !is_property_name(one.first); });
  TRY(check_properties(known));
  return std::make_unique<CaseRunImpl>(TRY(case_log()), known);
}

}  // namespace penstock::session
