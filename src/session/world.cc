#include "session/world.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace penstock::session {
namespace {

void gather_sources(const sql::PlanNode& node, std::vector<const sql::StreamInfo*>& out) {
  if (const auto* source = std::get_if<sql::SourceStep>(&node.step)) out.push_back(&source->stream);
  for (const sql::PlanPtr& input : node.inputs) gather_sources(*input, out);
}

}  // namespace

std::string Connector::topic() const {
  const auto at = options.find("topic");
  return at == options.end() ? std::string() : at->second;
}

const sql::StreamInfo* StreamCatalogue::find(std::string_view name) const {
  const auto at = streams_.find(name);
  return at == streams_.end() ? nullptr : &at->second;
}

std::vector<std::string> StreamCatalogue::names() const {
  std::vector<std::string> out;
  out.reserve(streams_.size());
  for (const auto& [name, stream] : streams_) out.push_back(name);
  return out;
}

const data::Type* StreamCatalogue::find_type(std::string_view name) const {
  const auto at = types_.find(name);
  return at == types_.end() ? nullptr : &at->second.type;
}

std::vector<std::string> StreamCatalogue::type_names() const {
  std::vector<std::string> out;
  for (const auto& [name, type] : types_) out.push_back(name);
  return out;
}

void StreamCatalogue::put_type(const std::string& name, CustomType type) {
  types_.insert_or_assign(name, std::move(type));
}

void StreamCatalogue::erase_type(std::string_view name) {
  if (const auto at = types_.find(name); at != types_.end()) types_.erase(at);
}

void StreamCatalogue::erase_types(Origin origin) {
  std::erase_if(types_, [&](const auto& type) { return type.second.origin == origin; });
}

void StreamCatalogue::put(sql::StreamInfo stream) {
  std::string name = stream.name;
  streams_.insert_or_assign(std::move(name), std::move(stream));
}

void StreamCatalogue::erase(std::string_view name) {
  if (const auto at = streams_.find(name); at != streams_.end()) streams_.erase(at);
}

std::vector<const sql::StreamInfo*> sources_of(const sql::PlanNode& plan) {
  std::vector<const sql::StreamInfo*> out;
  gather_sources(plan, out);
  std::ranges::sort(out, {}, [](const sql::StreamInfo* s) { return s->name; });
  const auto [first, last] =
      std::ranges::unique(out, {}, [](const sql::StreamInfo* s) { return s->name; });
  out.erase(first, last);
  return out;
}

const sql::SinkStep* sink_of(const sql::PlanNode& plan) {
  return std::get_if<sql::SinkStep>(&plan.step);
}

Result<> check_no_circle(const World& world, const sql::PlanNode& plan,
                         const sql::StreamInfo& sink) {
  std::set<std::string> reached = {sink.topic};
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [id, query] : world.queries) {
      const bool reads = std::ranges::any_of(sources_of(*query.plan), [&](const auto* source) {
        return reached.contains(source->topic);
      });
      if (reads && reached.insert(query.sink_topic).second) grown = true;
    }
  }
  for (const sql::StreamInfo* source : sources_of(plan)) {
    if (reached.contains(source->topic)) {
      return fail(ErrorCode::failed_precondition,
                  fmt::format("The query would read what it writes: topic '{}' is fed, directly or "
                              "through other queries, from topic '{}'.",
                              source->topic, sink.topic));
    }
  }
  return {};
}

}  // namespace penstock::session
