// The same SQL over a log on Kafka, beside the client library's own loop and the least that the
// protocol asks for. Our CPU only; the broker is another process.
#include <fmt/format.h>

#include "bench/engine_case.h"
#include "bench/kafka_broker.h"
#include "bench/kafka_fetch.h"
#include "bench/measure.h"
#include "engine/limits.h"
#include "topics/kafka/client.h"
#include "topics/kafka/limits.h"

namespace penstock::bench {
namespace {

using namespace std::chrono_literals;
constexpr std::string_view kPlain = "bid_plain", kSealed = "bid_sealed";
constexpr std::size_t kNoLimit = 1 << 30;

Result<std::unique_ptr<topics::Log>> open_filled(const Settings& settings, std::string_view topic,
                                                 bool sealed) {
  KafkaBroker* broker = TRY(KafkaBroker::get(settings));
  auto log = TRY(topics::open_kafka_log(broker->options()));
  TRY(broker->load(*log, topic, sealed, settings.records));
  return log;
}

Result<> check_count(std::uint64_t seen, const Settings& settings) {
  if (seen == settings.records) return {};
  return fail(ErrorCode::internal,
              fmt::format("{} of {} records were read", seen, settings.records));
}

// -- kafka_consume: the reading client of our log, its messages counted and dropped ---------------

struct Counted {
  std::uint64_t records = 0, bytes = 0;
  bool at_end = false;
};

Result<> count(const rd_kafka_message_t& message, Counted& out) {
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    out.at_end = true;
  } else if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(topics::kafka::error_of(message.err, "consuming"));
  } else {
    ++out.records;
    out.bytes += message.len;
  }
  return {};
}

Result<Measurement> consume(const Settings& settings, std::string_view name, bool sealed) {
  constexpr int kPatienceMs = 1000;
  KafkaBroker* broker = TRY(KafkaBroker::get(settings));
  TRY(open_filled(settings, name, sealed));
  const auto check = sealed ? topics::ReadCheck::authenticated : topics::ReadCheck::checksums;
  const double started = process_cpu_seconds();
  const topics::KafkaOptions options = broker->options();
  topics::kafka::Trouble trouble;
  auto client = TRY(topics::kafka::make_reading_client(options, check, trouble));
  topics::kafka::TopicHandle topic(
      rd_kafka_topic_new(client.get(), std::string(name).c_str(), nullptr));
  topics::kafka::Queue queue(rd_kafka_queue_new(client.get()));
  rd_kafka_consume_start_queue(topic.get(), 0, 0, queue.get());
  std::vector<rd_kafka_message_t*> messages(topics::kafka::kDequeuedRecordsMax);
  Counted counted;
  Result<> good;
  while (!counted.at_end && good) {
    const ssize_t n =
        rd_kafka_consume_batch_queue(queue.get(), kPatienceMs, messages.data(), messages.size());
    for (ssize_t i = 0; i < n; ++i) {
      if (good) good = count(*messages[static_cast<std::size_t>(i)], counted);
      rd_kafka_message_destroy(messages[static_cast<std::size_t>(i)]);
    }
  }
  const double took = process_cpu_seconds() - started;
  rd_kafka_consume_stop(topic.get(), 0);
  TRY(std::move(good));
  TRY(check_count(counted.records, settings));
  return Measurement{.records = counted.records,
                     .cpu_seconds = took,
                     .note = fmt::format("{} bytes of values", counted.bytes)};
}

// -- kafka_reader: our log's Reader alone --------------------------------------------------------

Result<Measurement> read(const Settings& settings, std::string_view name, bool sealed) {
  auto log = TRY(open_filled(settings, name, sealed));
  const auto topic = TRY(topics::TopicName::parse(name));
  const auto check = sealed ? topics::ReadCheck::authenticated : topics::ReadCheck::checksums;
  const double started = process_cpu_seconds();
  auto reader = TRY(log->reader({topic, 0}, 0, check));
  const topics::Offset end = TRY(reader->end());
  topics::ReadBuffer buffer;
  topics::Reader* const readers[] = {reader.get()};
  std::uint64_t records = 0;
  while (reader->position() < end) {
    records += TRY(reader->next(buffer, engine::kFetchBytes));
    if (buffer.size() == 0) TRY(log->wait(readers, std::chrono::steady_clock::now() + 1s));
  }
  const double took = process_cpu_seconds() - started;
  TRY(check_count(records, settings));
  return Measurement{.records = records, .cpu_seconds = took};
}

// -- kafka_own_fetch: what the protocol costs without a client library ----------------------------

Result<Measurement> own_fetch(const Settings& settings, bool check_crc, bool copy) {
  TRY(open_filled(settings, kPlain, false));
  KafkaBroker* broker = TRY(KafkaBroker::get(settings));
  const double started = process_cpu_seconds();
  auto fetcher = TRY(KafkaFetcher::connect({.bootstrap = broker->options().connection.bootstrap,
                                            .topic = std::string(kPlain),
                                            .check_crc = check_crc,
                                            .copy = copy}));
  std::uint64_t records = 0, answers = 0;
  for (;;) {
    const FetchedRecords* fetched = TRY(fetcher.next());
    if (fetched->offsets.empty()) break;
    records += fetched->offsets.size();
    ++answers;
  }
  const double took = process_cpu_seconds() - started;
  TRY(check_count(records, settings));
  return Measurement{
      .records = records, .cpu_seconds = took, .note = fmt::format("{} answers", answers)};
}

// -- SQL -----------------------------------------------------------------------------------------

Row sql(std::string_view name, std::string_view share_of, std::string_view what, Case measured) {
  return {.name = name,
          .share_of = share_of,
          .what = what,
          .run = [name, measured](const Settings& settings, int round) -> Result<Measurement> {
            auto log = TRY(open_filled(settings, measured.input, measured.sealed_input));
            return run_case(*log, name, measured, settings, round);
          }};
}

}  // namespace

std::vector<Row> kafka_rows() {
  Case plain{.input = kPlain, .commit = engine::kTransactionLimits};
  Case sealed{.input = kSealed, .sealed_input = true, .commit = engine::kTransactionLimits};
  Case to_plain = plain;
  to_plain.discard = false;
  Case commits = plain;
  commits.commit = {.records = kNoLimit, .output_bytes = kNoLimit, .age = 100ms};
  Case one_commit = commits;
  one_commit.commit.age = 1h;
  std::vector<Row> out = {
      {.name = "kafka_consume",
       .share_of = "",
       .what = "the client library alone: batches counted and dropped",
       .run = [](const Settings& s, int) { return consume(s, kPlain, false); }},
      {.name = "kafka_consume_sealed",
       .share_of = "kafka_consume",
       .what = "the same over sealed records: they are longer, and have no checksums compared",
       .run = [](const Settings& s, int) { return consume(s, kSealed, true); }},
      {.name = "kafka_own_fetch",
       .share_of = "kafka_consume",
       .what = "by hand: Fetch requests, checksums, batches walked in place",
       .run = [](const Settings& s, int) { return own_fetch(s, true, false); }},
      {.name = "kafka_own_fetch_copy",
       .share_of = "kafka_consume",
       .what = "the same, values copied into one buffer",
       .run = [](const Settings& s, int) { return own_fetch(s, true, true); }},
      {.name = "kafka_reader",
       .share_of = "kafka_consume",
       .what = "the log's reader alone",
       .run = [](const Settings& s, int) { return read(s, kPlain, false); }},
      sql("kafka_plain", "kafka_consume", "SQL over a plain topic, sink discarded", plain),
      sql("kafka_sealed", "kafka_consume", "SQL over a sealed topic, sink discarded", sealed),
      sql("kafka_sealed_to_plain", "kafka_plain", "what sealing costs: the row above again",
          sealed),
      sql("kafka_plain_to_plain", "kafka_consume", "plain topic to plain topic, in transactions",
          to_plain),
      sql("kafka_one_commit", "kafka_consume", "kafka_plain, committed as rarely as can be",
          one_commit),
      sql("kafka_commit", "kafka_one_commit", "kafka_plain, committed every 100 ms", commits)};
  for (Row& row : out) row.on_request = true;
  return out;
}

}  // namespace penstock::bench
