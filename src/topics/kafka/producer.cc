#include "topics/kafka/producer.h"

#include <array>
#include <thread>

#include <fmt/format.h>

#include "topics/commit_limits.h"
#include "topics/kafka/limits.h"

namespace penstock::topics::kafka {
namespace {

constexpr std::chrono::seconds kLeadersPatience{10};
constexpr int kLeadersAsked = 20;  // for a partition that is not known; it was seen by the admin
constexpr std::chrono::seconds kInitSlice{5};
constexpr std::size_t kFieldsMax = 7;

rd_kafka_vu_t bytes_field(rd_kafka_vtype_t type, const std::optional<ByteView>& bytes) {
  rd_kafka_vu_t field{};
  field.vtype = type;
  if (!bytes) return field;
  static const std::uint8_t kNothing = 0;  // empty is not null
  const void* data = bytes->empty() ? &kNothing : bytes->data();
  field.u.mem.ptr = const_cast<void*>(data);  // NOLINT: the C type has no const; it is only read
  field.u.mem.size = bytes->size();
  return field;
}

bool has_lost_membership(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
         code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

// Owned by the library once the record is taken.
Result<rd_kafka_headers_t*> headers_of(ByteView packed) {
  std::vector<Header> list = TRY(unpack_headers(packed));
  rd_kafka_headers_t* headers = rd_kafka_headers_new(list.size());
  for (const Header& header : list)
    rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()),
                        header.value ? header.value->data() : nullptr,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  return headers;
}

}  // namespace

Result<std::unique_ptr<Producer>> Producer::start(const KafkaOptions& options, const WriterId& id,
                                                  const LastCall& last) {
  std::unique_ptr<Producer> producer(new Producer(id, options.transaction_timeout, last));
  producer->client_ = TRY(make_transactional_client(options, id, producer->trouble_));
  const Patience patience(last, kWriterPatience);
  // Connected first: the library looks for the coordinator at once then, else by a slow timer.
  TRY(wait_for_brokers(*producer->client_, options.connection.bootstrap, producer->trouble_,
                       patience));
  std::string doing = fmt::format("taking the transactional id of writer '{}'", id.value());
  for (;;) {
    Failure failure(
        rd_kafka_init_transactions(producer->client_.get(), patience.slice_ms(kInitSlice)));
    if (failure == nullptr) return producer;
    rd_kafka_poll(producer->client_.get(), 0);
    Error error = error_of(*failure, doing);
    if (auto refused = producer->trouble_.refused()) return fail(refused->in(doing));
    bool again = rd_kafka_error_is_retriable(failure.get()) != 0;
    if (again && !patience.is_over()) continue;
    if (again) {
      if (auto trouble = producer->trouble_.last()) return fail(trouble->in(doing));
    }
    return fail(std::move(error));
  }
}

Error Producer::take(const rd_kafka_error_t& failure, std::string_view doing) {
  rd_kafka_resp_err_t code = rd_kafka_error_code(&failure);
  if (kafka::is_fenced(code)) return lose_epoch();
  if (rd_kafka_error_is_fatal(&failure) != 0 ||
      rd_kafka_fatal_error(client_.get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    dead_ = true;
    std::array<char, 512> text{};
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(client_.get(), text.data(), text.size());
    if (kafka::is_fenced(cause)) return lose_epoch();
    return Error(ErrorCode::unavailable, error_of(cause, doing, text.data()).text());
  }
  return error_of(failure, doing);
}

// A newer writer has taken it, or the brokers have: they end a transaction whose time is over, and
// say the same. Then nobody else may be there, and whoever opens the writer again goes on.
Error Producer::lose_epoch() {
  dead_ = true;
  auto age = std::chrono::steady_clock::now() - begun_;
  if (begun_.time_since_epoch().count() > 0 && age >= transaction_timeout_)
    return Error(ErrorCode::unavailable,
                 fmt::format("Kafka: the transaction of writer '{}' took longer than its {} ms and "
                             "was ended by the brokers",
                             id_.value(), transaction_timeout_.count()));
  fenced_ = true;
  return fenced_error(id_);
}

Result<> Producer::begin() {
  if (fenced_) return fail(fenced_error(id_));
  trouble_.forget_undelivered();
  begun_ = std::chrono::steady_clock::now();
  Failure failure(rd_kafka_begin_transaction(client_.get()));
  if (failure != nullptr) return fail(take(*failure, "beginning a transaction"));
  return {};
}

Result<rd_kafka_topic_t*> Producer::handle_of(const std::string& topic) {
  auto found = topics_.find(topic);
  if (found != topics_.end()) return found->second.get();
  TopicHandle handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  TRY(ask_leaders(*handle));
  return topics_.emplace(topic, std::move(handle)).first->second.get();
}

Result<> Producer::ask_leaders(rd_kafka_topic_t& topic) {
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_resp_err_t code =
      rd_kafka_metadata(client_.get(), 0, &topic, &metadata, patience_.slice_ms(kLeadersPatience));
  if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return fail(error_of(
      code, fmt::format("asking for the leaders of topic '{}'", rd_kafka_topic_name(&topic))));
}

Result<> Producer::produce(rd_kafka_topic_t& topic, std::int32_t partition,
                           const RecordView& record) {
  std::array<rd_kafka_vu_t, kFieldsMax> fields{};
  std::size_t count = 0;
  fields[count].vtype = RD_KAFKA_VTYPE_RKT;
  fields[count++].u.rkt = &topic;
  fields[count].vtype = RD_KAFKA_VTYPE_PARTITION;
  fields[count++].u.i32 = partition;
  fields[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[count++].u.i = RD_KAFKA_MSG_F_COPY;
  fields[count].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  fields[count++].u.i64 = record.timestamp_ms;
  fields[count++] = bytes_field(RD_KAFKA_VTYPE_KEY, record.key);
  fields[count++] = bytes_field(RD_KAFKA_VTYPE_VALUE, record.value);
  rd_kafka_headers_t* headers = nullptr;
  if (!record.headers.empty()) {
    headers = TRY(headers_of(record.headers));
    fields[count].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[count++].u.headers = headers;
  }
  int asked = 0;
  for (;;) {
    Failure failure(rd_kafka_produceva(client_.get(), fields.data(), count));
    if (failure == nullptr) return {};
    bool full = rd_kafka_error_code(failure.get()) == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (full && !patience_.is_over()) {
      rd_kafka_poll(client_.get(), patience_.slice_ms());
      continue;
    }
    // The topic has got the partition since its leaders were asked for.
    const bool is_new = rd_kafka_error_code(failure.get()) == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    if (is_new && asked < kLeadersAsked && ask_leaders(topic)) {
      if (asked++ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(patience_.slice_ms()));
      continue;
    }
    if (headers != nullptr) rd_kafka_headers_destroy(headers);
    return fail(take(*failure, fmt::format("writing to topic '{}'", rd_kafka_topic_name(&topic))));
  }
}

Error Producer::out_of_patience(std::string_view doing) const {
  std::string text = fmt::format("Kafka: {}: the brokers did not answer in time (writer '{}')",
                                 doing, id_.value());
  if (auto last = trouble_.last()) text += fmt::format("; the last trouble: {}", last->text());
  return Error(ErrorCode::unavailable, std::move(text));
}

Result<> Producer::deliver_all() {
  for (;;) {
    rd_kafka_resp_err_t code = rd_kafka_flush(client_.get(), patience_.slice_ms());
    if (auto why = trouble_.undelivered()) return fail(*why);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    std::array<char, 512> text{};
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client_.get(), text.data(), text.size());
    if (fatal == RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (patience_.is_over()) return fail(out_of_patience("delivering records"));
      continue;
    }
    if (kafka::is_fenced(fatal)) return fail(lose_epoch());
    dead_ = true;
    return fail(ErrorCode::unavailable, error_of(fatal, "delivering records", text.data()).text());
  }
}

Result<> Producer::send_offsets(const std::string& group, std::span<const Position> positions) {
  const GroupMetadata metadata(rd_kafka_consumer_group_metadata_new(group.c_str()));
  return send_offsets(*metadata, positions,
                      fmt::format("committing positions of group '{}'", group));
}

Result<> Producer::prove_member(const rd_kafka_consumer_group_metadata_t& member,
                                const Position& position) {
  return send_offsets(member, {&position, 1}, "proving that this process has its tasks still");
}

Result<> Producer::send_offsets(const rd_kafka_consumer_group_metadata_t& group,
                                std::span<const Position> positions, std::string_view doing) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const Position& position : positions) {
    rd_kafka_topic_partition_t* at = rd_kafka_topic_partition_list_add(
        list.get(), position.from.topic.text().c_str(), position.from.partition);
    at->offset = position.next;
    at->metadata = rd_kafka_mem_malloc(client_.get(), position.metadata.size());
    std::copy(position.metadata.begin(), position.metadata.end(), static_cast<char*>(at->metadata));
    at->metadata_size = position.metadata.size();
  }
  for (;;) {
    // The library does not look at the time while it waits for one answer, and nobody can shorten
    // a call that is under way: none takes longer than two answers.
    Failure failure(rd_kafka_send_offsets_to_transaction(client_.get(), list.get(), &group,
                                                         patience_.slice_ms(kAnswerPatience)));
    if (failure == nullptr) return {};
    if (has_lost_membership(rd_kafka_error_code(failure.get())))
      return fail(ErrorCode::fenced, error_of(*failure, doing).text());
    if (rd_kafka_error_is_retriable(failure.get()) == 0) return fail(take(*failure, doing));
    if (patience_.is_over()) return fail(out_of_patience(doing));
    std::this_thread::sleep_for(std::chrono::milliseconds(patience_.slice_ms()));
  }
}

CommitResult Producer::commit() {
  if (Result<> delivered = deliver_all(); !delivered) {
    abort();
    return {fenced_ ? Outcome::fenced : Outcome::aborted, delivered.error()};
  }
  for (;;) {
    Failure failure(rd_kafka_commit_transaction(client_.get(), patience_.slice_ms()));
    if (failure == nullptr) return {Outcome::committed, std::nullopt};
    const bool timed_out = rd_kafka_error_code(failure.get()) == RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_error_is_retriable(failure.get()) != 0 && !patience_.is_over()) {
      if (!timed_out) std::this_thread::sleep_for(std::chrono::milliseconds(patience_.slice_ms()));
      continue;  // the call goes on where it was
    }
    Error error = take(*failure, "committing a transaction");
    const bool says_nothing = rd_kafka_error_code(failure.get()) == RD_KAFKA_RESP_ERR_UNKNOWN;
    const bool abortable = !dead_ && rd_kafka_error_txn_requires_abort(failure.get()) != 0;
    const bool aborted = abortable && abort();
    if (fenced_) return {Outcome::fenced, error};
    if (aborted && !says_nothing) {
      if (auto why = trouble_.undelivered()) error = *why;
      return {Outcome::aborted, error};
    }
    // Timed out or worse: the coordinator may have done what was asked. Initialising the next
    // writer ends the transaction one way or the other; the positions then tell which.
    dead_ = true;
    return {Outcome::unknown, timed_out ? out_of_patience("committing a transaction") : error};
  }
}

bool Producer::abort() {
  patience_.shorten(std::chrono::steady_clock::now() + kAbortPatience);
  while (!dead_ && !patience_.is_over()) {
    Failure failure(rd_kafka_abort_transaction(client_.get(), patience_.slice_ms()));
    if (failure == nullptr) return true;
    const bool timed_out = rd_kafka_error_code(failure.get()) == RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_error_is_retriable(failure.get()) == 0) {
      (void)take(*failure, "aborting a transaction");
      break;
    }
    if (!timed_out) std::this_thread::sleep_for(std::chrono::milliseconds(patience_.slice_ms()));
  }
  dead_ = true;  // the next writer's initialisation ends it
  return false;
}

}  // namespace penstock::topics::kafka
