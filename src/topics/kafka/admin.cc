#include "topics/kafka/admin.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "topics/kafka/limits.h"

namespace penstock::topics::kafka {
namespace {

using Options = Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using NewTopic = Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using NewPartitions = Owned<rd_kafka_NewPartitions_t, rd_kafka_NewPartitions_destroy>;
using DeleteRecords = Owned<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>;
using DeleteTopic = Owned<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy>;
using TopicNames = Owned<rd_kafka_TopicCollection_t, rd_kafka_TopicCollection_destroy>;
using ConfigResource = Owned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
using GroupsOffsets =
    Owned<rd_kafka_ListConsumerGroupOffsets_t, rd_kafka_ListConsumerGroupOffsets_destroy>;
using DeleteOffsets =
    Owned<rd_kafka_DeleteConsumerGroupOffsets_t, rd_kafka_DeleteConsumerGroupOffsets_destroy>;

constexpr int kQuestion_ms = 3'000;                   // for one answer
constexpr int kLook_ms = 1'000;                       // likewise, while another is waited for
constexpr std::chrono::seconds kListingPatience{10};  // likewise, of everything
constexpr int kOperation_ms = 30'000;                 // of making and removing
constexpr std::chrono::seconds kLookEvery{1};
constexpr std::size_t kTextBytes = 512;

Options options_for(rd_kafka_t& client, rd_kafka_admin_op_t op) {
  Options options(rd_kafka_AdminOptions_new(&client, op));
  char text[kTextBytes];
  bool changes = op == RD_KAFKA_ADMIN_OP_CREATETOPICS || op == RD_KAFKA_ADMIN_OP_DELETETOPICS ||
                 op == RD_KAFKA_ADMIN_OP_CREATEPARTITIONS || op == RD_KAFKA_ADMIN_OP_DELETERECORDS;
  rd_kafka_AdminOptions_set_request_timeout(options.get(), changes ? kOperation_ms : kQuestion_ms,
                                            text, sizeof text);
  if (changes)
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), kOperation_ms, text, sizeof text);
  return options;
}

Result<> check(rd_kafka_resp_err_t code, const char* text, std::string_view doing) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return fail(error_of(code, doing, text == nullptr ? "" : text));
}

Result<> check(const rd_kafka_error_t* failure, std::string_view doing) {
  if (failure == nullptr || rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return fail(error_of(*failure, doing));
}

Result<> check_topics(const rd_kafka_topic_result_t* const* results, std::size_t count,
                      std::string_view doing) {
  for (std::size_t i = 0; i < count; ++i)
    TRY(check(rd_kafka_topic_result_error(results[i]),
              rd_kafka_topic_result_error_string(results[i]), doing));
  return {};
}

bool is_retried(const Error& error) {
  return error.code() == ErrorCode::unavailable || error.code() == ErrorCode::not_found;
}

}  // namespace

Result<std::unique_ptr<Admin>> Admin::connect(const KafkaOptions& options, const LastCall& last) {
  std::unique_ptr<Admin> admin(new Admin(options.connection.bootstrap, last));
  admin->client_ = TRY(make_admin_client(options, admin->trouble_));
  TRY(wait_for_brokers(*admin->client_, admin->bootstrap_, admin->trouble_,
                       Patience(last, kConnectPatience)));
  return admin;
}

Result<Queue> Admin::queue_when_connected(std::string_view doing) {
  if (last_.is_over()) return fail(ErrorCode::cancelled, "the log is being closed");
  TRY_IN(wait_for_brokers(*client_, bootstrap_, trouble_, Patience(last_, kAdminPatience)), doing);
  return Queue(rd_kafka_queue_new(client_.get()));
}

template <typename Ask>
auto Admin::patiently(Ask ask) -> decltype(ask()) {
  auto give_up = std::chrono::steady_clock::now() + kQuestionPatience;
  for (;;) {
    auto answer = ask();
    bool again = !answer && answer.error().code() == ErrorCode::unavailable && !last_.is_over();
    if (!again || std::chrono::steady_clock::now() > give_up) return answer;
    std::this_thread::sleep_for(kCallSlice);
  }
}

template <typename Ask>
auto Admin::patiently(const std::string& topic, Ask ask) -> decltype(ask()) {
  auto believed = std::chrono::steady_clock::now() + kAbsencePatience;
  for (;;) {
    auto answer = patiently(ask);
    if (answer) {
      seen_.add(topic);
      return answer;
    }
    if (answer.error().code() != ErrorCode::not_found || !seen_.has(topic)) return answer;
    if (last_.is_over() || std::chrono::steady_clock::now() >= believed) {
      seen_.drop(topic);
      return answer;
    }
    std::this_thread::sleep_for(kCallSlice);
  }
}

// Whom to ask is in the brokers' metadata, which may name one that has died for some seconds yet.
void Admin::look_for_brokers() {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(client_.get(), 0, nullptr, &metadata, kLook_ms) ==
      RD_KAFKA_RESP_ERR_NO_ERROR)
    rd_kafka_metadata_destroy(metadata);
}

template <typename Send>
Result<Event> Admin::call(std::string_view doing, Send send) {
  Queue queue = TRY(queue_when_connected(doing));
  send(queue.get());
  auto give_up = std::chrono::steady_clock::now() + kAdminPatience * 2;
  auto look_at = std::chrono::steady_clock::now() + kLookEvery;
  for (;;) {
    Event event(rd_kafka_queue_poll(queue.get(), static_cast<int>(kCallSlice.count())));
    if (event != nullptr) {
      TRY(check(rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()),
                doing));
      return event;
    }
    if (last_.is_over()) return fail(ErrorCode::cancelled, "the log is being closed");
    if (std::chrono::steady_clock::now() >= give_up)
      return fail(ErrorCode::unavailable,
                  fmt::format("Kafka: {}: no answer from '{}'", doing, bootstrap_));
    if (std::chrono::steady_clock::now() < look_at) continue;
    look_for_brokers();
    look_at = std::chrono::steady_clock::now() + kLookEvery;
  }
}

Result<> Admin::create(const std::string& name, std::int32_t partitions, std::int16_t replication,
                       const TopicSettings& settings) {
  std::string doing = fmt::format("making topic '{}'", name);
  char text[kTextBytes] = {};
  NewTopic topic(rd_kafka_NewTopic_new(name.c_str(), partitions, replication, text, sizeof text));
  if (topic == nullptr)
    return fail(ErrorCode::invalid_argument, fmt::format("Kafka: {}: {}", doing, text));
  for (const auto& [key, value] : settings)
    rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str());
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_NewTopic_t* one = topic.get();
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(client_.get(), &one, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  Result<> made = check_topics(results, count, doing);
  if (made || made.error().code() == ErrorCode::already_exists) seen_.add(name);
  TRY(made);
  return wait_until_known(name, partitions);
}

Result<> Admin::grow(const std::string& name, std::int32_t partitions) {
  std::string doing = fmt::format("adding partitions to topic '{}'", name);
  char text[kTextBytes] = {};
  NewPartitions more(rd_kafka_NewPartitions_new(name.c_str(), static_cast<std::size_t>(partitions),
                                                text, sizeof text));
  if (more == nullptr)
    return fail(ErrorCode::invalid_argument, fmt::format("Kafka: {}: {}", doing, text));
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
  rd_kafka_NewPartitions_t* one = more.get();
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreatePartitions(client_.get(), &one, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  auto* results = rd_kafka_CreatePartitions_result_topics(
      rd_kafka_event_CreatePartitions_result(event.get()), &count);
  TRY(check_topics(results, count, doing));
  return wait_until_known(name, partitions);
}

Result<> Admin::wait_until_known(const std::string& name, std::int32_t partitions) {
  auto give_up = std::chrono::steady_clock::now() + kAdminPatience;
  std::vector<std::int32_t> all(static_cast<std::size_t>(partitions));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
  for (;;) {
    Result<TopicShape> seen = shape(name);
    // A leader that answers is the last thing to come about.
    Result<> ready = seen ? Result<>() : fail(seen.error());
    if (seen && seen->partitions >= partitions) {
      auto ends = offsets(name, all, Which::committed_end);
      if (ends) return {};
      ready = fail(ends.error());
    }
    if (!ready && !is_retried(ready.error())) return ready;
    if (std::chrono::steady_clock::now() > give_up)
      return fail(ErrorCode::unavailable,
                  fmt::format("Kafka: topic '{}' was made but does not come up: {}", name,
                              ready ? "partitions are missing" : ready.error().text()));
    std::this_thread::sleep_for(kPropagation);
  }
}

Result<> Admin::remove(const std::string& name) {
  std::string doing = fmt::format("removing topic '{}'", name);
  DeleteTopic topic(rd_kafka_DeleteTopic_new(name.c_str()));
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_DELETETOPICS);
  rd_kafka_DeleteTopic_t* one = topic.get();
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteTopics(client_.get(), &one, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  auto* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  TRY(check_topics(results, count, doing));
  auto give_up = std::chrono::steady_clock::now() + kAdminPatience;
  seen_.drop(name);
  while (patiently([&] { return ask_shape(name); })) {
    if (std::chrono::steady_clock::now() > give_up)
      return fail(ErrorCode::unavailable,
                  fmt::format("Kafka: topic '{}' was removed but stays", name));
    std::this_thread::sleep_for(kPropagation);
  }
  return {};
}

Result<TopicShape> Admin::shape(const std::string& name) {
  return patiently(name, [&] { return ask_shape(name); });
}

Result<TopicShape> Admin::ask_shape(const std::string& name) {
  std::string doing = fmt::format("describing topic '{}'", name);
  const char* one = name.c_str();
  TopicNames names(rd_kafka_TopicCollection_of_topic_names(&one, 1));
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DescribeTopics(client_.get(), names.get(), options.get(), queue);
  }));
  std::size_t count = 0;
  auto* topics = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(event.get()), &count);
  if (count != 1)
    return fail(ErrorCode::unavailable, fmt::format("Kafka: {}: {} answers", doing, count));
  TRY(check(rd_kafka_TopicDescription_error(topics[0]), doing));
  TopicShape shape;
  shape.id = rd_kafka_Uuid_base64str(rd_kafka_TopicDescription_topic_id(topics[0]));
  rd_kafka_TopicDescription_partitions(topics[0], &count);
  shape.partitions = static_cast<std::int32_t>(count);
  return shape;
}

Result<TopicSettings> Admin::settings(const std::string& name) {
  return patiently(name, [&] { return ask_settings(name); });
}

Result<TopicSettings> Admin::ask_settings(const std::string& name) {
  std::string doing = fmt::format("reading the settings of topic '{}'", name);
  ConfigResource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_ConfigResource_t* one = resource.get();
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DescribeConfigs(client_.get(), &one, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  auto* resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  TopicSettings settings;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(check(rd_kafka_ConfigResource_error(resources[i]),
              rd_kafka_ConfigResource_error_string(resources[i]), doing));
    std::size_t entries = 0;
    auto* configs = rd_kafka_ConfigResource_configs(resources[i], &entries);
    for (std::size_t k = 0; k < entries; ++k) {
      const char* value = rd_kafka_ConfigEntry_value(configs[k]);
      if (value != nullptr) settings.emplace(rd_kafka_ConfigEntry_name(configs[k]), value);
    }
  }
  return settings;
}

Result<> Admin::set(const std::string& topic, const TopicSettings& settings) {
  std::string doing = fmt::format("setting how topic '{}' is kept", topic);
  ConfigResource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  for (const auto& [name, value] : settings) {
    Failure refused(rd_kafka_ConfigResource_add_incremental_config(
        resource.get(), name.c_str(),
        value.empty() ? RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE : RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
        value.empty() ? nullptr : value.c_str()));
    TRY(check(refused.get(), doing));
  }
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS);
  rd_kafka_ConfigResource_t* one = resource.get();
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_IncrementalAlterConfigs(client_.get(), &one, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  auto* resources = rd_kafka_IncrementalAlterConfigs_result_resources(
      rd_kafka_event_IncrementalAlterConfigs_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i)
    TRY(check(rd_kafka_ConfigResource_error(resources[i]),
              rd_kafka_ConfigResource_error_string(resources[i]), doing));
  return {};
}

Result<> Admin::trim(const std::string& topic, std::int32_t partition, Offset before) {
  std::string doing =
      fmt::format("deleting records of {}/{} before offset {}", topic, partition, before);
  PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = before;
  DeleteRecords records(rd_kafka_DeleteRecords_new(list.get()));
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_DELETERECORDS);
  rd_kafka_DeleteRecords_t* one = records.get();
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteRecords(client_.get(), &one, 1, options.get(), queue);
  }));
  const auto* done =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  for (int i = 0; done != nullptr && i < done->cnt; ++i)
    TRY(check(done->elems[i].err, nullptr, doing));
  return {};
}

Result<std::vector<std::string>> Admin::topics() {
  const rd_kafka_metadata_t* metadata = nullptr;
  const Patience patience(last_, kListingPatience);
  const int slice_ms = patience.slice_ms(kListingPatience);
  TRY(check(rd_kafka_metadata(client_.get(), 1, nullptr, &metadata, slice_ms), nullptr,
            "listing topics"));
  std::vector<std::string> names;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    std::string_view name = metadata->topics[i].topic;
    if (metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR && !name.starts_with("__"))
      names.emplace_back(name);
  }
  rd_kafka_metadata_destroy(metadata);
  std::ranges::sort(names);
  return names;
}

Result<std::vector<Offset>> Admin::offsets(const std::string& topic,
                                           std::span<const std::int32_t> partitions, Which which) {
  return patiently(topic, [&] { return ask_ends(topic, partitions, which); });
}

Result<std::vector<Offset>> Admin::ask_ends(const std::string& topic,
                                            std::span<const std::int32_t> partitions, Which which) {
  std::string doing = fmt::format("looking for the {} of topic '{}'",
                                  which == Which::first ? "beginning" : "end", topic);
  PartitionList wanted(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (std::int32_t partition : partitions)
    rd_kafka_topic_partition_list_add(wanted.get(), topic.c_str(), partition)->offset =
        which == Which::first ? RD_KAFKA_OFFSET_SPEC_EARLIEST : RD_KAFKA_OFFSET_SPEC_LATEST;
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
  Failure refused(rd_kafka_AdminOptions_set_isolation_level(
      options.get(), which == Which::end ? RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED
                                         : RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED));
  TRY(check(refused.get(), doing));
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_ListOffsets(client_.get(), wanted.get(), options.get(), queue);
  }));
  std::size_t count = 0;
  auto* infos =
      rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event.get()), &count);
  std::map<std::int32_t, Offset> found;
  for (std::size_t i = 0; i < count; ++i) {
    auto* at = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    TRY(check(at->err, nullptr, doing));
    found[at->partition] = at->offset;
  }
  std::vector<Offset> out;
  for (std::int32_t partition : partitions) {
    auto at = found.find(partition);
    if (at == found.end() || at->second < 0)
      return fail(
          ErrorCode::unavailable,
          fmt::format("Kafka: {}: partition {} is missing in the answer", doing, partition));
    out.push_back(at->second);
  }
  return out;
}

Result<Admin::OffsetsAnswer> Admin::ask_offsets(const std::string& group,
                                                rd_kafka_topic_partition_list_t* of, bool settled) {
  std::string doing = fmt::format("reading the positions of group '{}'", group);
  GroupsOffsets wanted(rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), of));
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
  Failure refused(rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), settled));
  TRY(check(refused.get(), doing));
  rd_kafka_ListConsumerGroupOffsets_t* one = wanted.get();
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_ListConsumerGroupOffsets(client_.get(), &one, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  auto* groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  OffsetsAnswer out;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(check(rd_kafka_group_result_error(groups[i]), doing));
    const auto* partitions = rd_kafka_group_result_partitions(groups[i]);
    for (int k = 0; partitions != nullptr && k < partitions->cnt; ++k) {
      const rd_kafka_topic_partition_t& at = partitions->elems[k];
      if (at.err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) out.settled = false;
      if (at.err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT ||
          at.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        continue;
      TRY(check(at.err, nullptr, doing));
      if (at.offset < 0) continue;
      std::string metadata(static_cast<const char*>(at.metadata), at.metadata_size);
      out.offsets.push_back(
          {{TRY(TopicName::parse(at.topic)), at.partition}, at.offset, std::move(metadata)});
    }
  }
  return out;
}

Result<std::vector<GroupOffset>> Admin::group_offsets(const std::string& group) {
  return TRY(patiently([&] { return ask_offsets(group, nullptr, false); })).offsets;
}

Result<std::vector<GroupOffset>> Admin::settled_offsets(
    const std::string& group, std::span<const TopicPartition> partitions) {
  if (partitions.empty()) return std::vector<GroupOffset>();
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& at : partitions)
    rd_kafka_topic_partition_list_add(list.get(), at.topic.text().c_str(), at.partition);
  auto give_up = std::chrono::steady_clock::now() + kSettlePatience;
  for (;;) {
    bool wait = std::chrono::steady_clock::now() < give_up;
    OffsetsAnswer out = TRY(patiently([&] { return ask_offsets(group, list.get(), wait); }));
    if (!wait)
      log::warning("a transaction left a position open: what was committed before counts",
                   {{"group", log::Public(group)}});
    if (out.settled || !wait) return std::move(out.offsets);
    std::this_thread::sleep_for(kPropagation);
  }
}

Result<> Admin::forget_offsets(const std::string& group, const std::string& topic,
                               std::int32_t partitions) {
  std::string doing = fmt::format("forgetting positions of group '{}'", group);
  PartitionList list(rd_kafka_topic_partition_list_new(partitions));
  for (std::int32_t p = 0; p < partitions; ++p)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p);
  DeleteOffsets wanted(rd_kafka_DeleteConsumerGroupOffsets_new(group.c_str(), list.get()));
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS);
  rd_kafka_DeleteConsumerGroupOffsets_t* one = wanted.get();
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteConsumerGroupOffsets(client_.get(), &one, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  auto* groups = rd_kafka_DeleteConsumerGroupOffsets_result_groups(
      rd_kafka_event_DeleteConsumerGroupOffsets_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) TRY(check(rd_kafka_group_result_error(groups[i]), doing));
  return {};
}

Result<std::vector<std::string>> Admin::groups() {
  std::string_view doing = "listing groups";
  Options options = options_for(*client_, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
  Event event = TRY(call(doing, [&](rd_kafka_queue_t* queue) {
    rd_kafka_ListConsumerGroups(client_.get(), options.get(), queue);
  }));
  std::size_t count = 0;
  auto* listings = rd_kafka_ListConsumerGroups_result_valid(
      rd_kafka_event_ListConsumerGroups_result(event.get()), &count);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i)
    out.emplace_back(rd_kafka_ConsumerGroupListing_group_id(listings[i]));
  return out;
}

void Admin::look_after() {
  rd_kafka_poll(client_.get(), 0);
}

}  // namespace penstock::topics::kafka
