#include "session/topic_rules.h"

#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "engine/joined_partitions.h"
#include "engine/seal_access.h"
#include "seal/grant.h"

namespace penstock::session {
namespace {

Result<> check_plain(const sql::StreamInfo& stream, const seal::KeySource& keys) {
  auto policy = seal::policy_for_topic(keys, stream.topic);
  if (!policy && policy.error().code() == ErrorCode::not_found) return {};
  const std::string which = policy ? (*policy)->id() : "...";
  return fail(
      ErrorCode::permission_denied,
      fmt::format("Stream '{}': topic '{}' is covered by the seal policy '{}', so it is not "
                  "used in clear. Add SEAL='psr1', KEY_POLICY='{}' to the WITH clause.",
                  stream.name, stream.topic, which, which));
}

Result<topics::TopicName> grants_of(const sql::StreamInfo& stream) {
  return TRY_IN(topics::TopicName::parse(seal::grants_topic(stream.topic)),
                fmt::format("Stream '{}': the topic of its grants", stream.name));
}

std::optional<std::chrono::milliseconds> wanted_age(const sql::StreamInfo& stream) {
  if (!stream.retention_ms) return std::nullopt;
  return std::chrono::milliseconds(*stream.retention_ms);
}

Result<> check_no_grants(const sql::StreamInfo& stream, Effects& effects) {
  const auto grants = TRY(grants_of(stream));
  if (TRY(effects.topic(grants))) return fail(engine::sealed_topic_in_clear(stream));
  return {};
}

Result<> ensure_grants(const sql::StreamInfo& stream, Effects& effects) {
  const auto grants = TRY(grants_of(stream));
  if (TRY(effects.topic(grants))) return {};
  return effects.create_topic({.name = grants, .partitions = 1, .compacted = true});
}

}  // namespace

Result<> check_seal(const sql::StreamInfo& stream, const seal::KeySource* keys, Use use) {
  if (stream.seal.kind == sql::SealKind::none) {
    return keys == nullptr ? Result<>{} : check_plain(stream, *keys);
  }
  const std::string& id = stream.seal.policy;
  if (keys == nullptr) {
    return fail(
        ErrorCode::permission_denied,
        fmt::format("Stream '{}' is sealed under policy '{}', but no keys are loaded. Start "
                    "with --keys FILE, a file that has this policy.",
                    stream.name, id));
  }
  auto policy = keys->policy(id);
  if (!policy) {
    return fail(ErrorCode::permission_denied,
                fmt::format("Stream '{}' is sealed under policy '{}', which is not among the keys "
                            "that are loaded ({}).",
                            stream.name, id, fmt::join(keys->policy_ids(), ", ")));
  }
  if (!(*policy)->covers(stream.topic)) {
    return fail(ErrorCode::permission_denied,
                fmt::format("Stream '{}': policy '{}' does not name the topic '{}' (it names {}).",
                            stream.name, id, stream.topic, fmt::join((*policy)->topics(), ", ")));
  }
  const bool missing = (use == Use::read && keys->reader_key(id) == nullptr) ||
                       (use == Use::write && keys->producer_key(id) == nullptr);
  if (missing) {
    const std::string_view what = use == Use::read ? "opened" : "sealed";
    return fail(
        ErrorCode::permission_denied,
        fmt::format("Stream '{}': records of topic '{}' cannot be {} here: the {} of policy "
                    "'{}' is not among the keys that are loaded.",
                    stream.name, stream.topic, what,
                    use == Use::read ? "policy key" : "producer key", id));
  }
  return {};
}

Result<> ensure_topics(const sql::StreamInfo& stream, std::optional<std::int32_t> partitions,
                       Effects& effects) {
  const auto topic =
      TRY_IN(topics::TopicName::parse(stream.topic), fmt::format("Stream '{}'", stream.name));
  const auto there = TRY(effects.topic(topic));
  const bool sealed = stream.seal.kind != sql::SealKind::none;
  if (there && !sealed && !stream.seal.none_said) TRY(check_no_grants(stream, effects));
  if (!there) {
    const auto wanted = stream.partitions ? stream.partitions : partitions;
    if (!wanted) {
      return fail(
          ErrorCode::not_found,
          fmt::format("Topic '{0}' does not exist. Create it with `penstock produce --topic "
                      "{0}`, or add PARTITIONS=n to the WITH clause.",
                      stream.topic));
    }
    TRY(effects.create_topic({.name = topic,
                              .partitions = *wanted,
                              .compacted = false,
                              .retention = {.age = wanted_age(stream)}}));
  } else if (stream.partitions && *stream.partitions != there->partitions) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("Topic '{}' has {} partitions, not the {} of the WITH clause. Leave "
                            "PARTITIONS out, or name another topic.",
                            stream.topic, there->partitions, *stream.partitions));
  } else if (stream.retention_ms && there->retention.age != wanted_age(stream)) {
    log::warning(
        "RETENTION_MS counts when a statement makes the topic; this one was there: `penstock "
        "topics alter` says how long its records are kept",
        {{"stream", log::Public(stream.name)}, {"topic", log::Public(stream.topic)}});
  }
  return sealed ? ensure_grants(stream, effects) : Result<>();
}

Result<> check_joined_partitions(const sql::PlanNode& plan, Effects& effects) {
  const auto count = [&](const sql::SourceInfo& source) -> Result<std::optional<std::int32_t>> {
    const auto spec = TRY(effects.topic(TRY(topics::TopicName::parse(source.topic))));
    if (spec) return spec->partitions;
    return source.partitions;
  };
  return engine::check_joined_partitions(plan, count);
}

Result<> ensure_sink_topics(const sql::PlanNode& plan, std::optional<std::int32_t> partitions,
                            Effects& effects) {
  std::int32_t largest = 1;
  for (const sql::StreamInfo* source : sources_of(plan)) {
    const auto topic = TRY(topics::TopicName::parse(source->topic));
    const auto there = TRY(effects.topic(topic));
    if (!there) {
      return fail(
          ErrorCode::not_found,
          fmt::format("Stream '{}': its topic '{}' does not exist any more. Create it again "
                      "with `penstock produce --topic {}`, or drop the stream.",
                      source->name, source->topic, source->topic));
    }
    largest = std::max(largest, there->partitions);
  }
  return ensure_topics(sink_of(plan)->stream, partitions.value_or(largest), effects);
}

}  // namespace penstock::session
