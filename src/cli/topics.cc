#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/log_place.h"

namespace penstock::cli {
namespace {

class TopicsCommand final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    add(list_, verb, "list",
        "All topics with their partitions and records (on Kafka, offsets: the marks of "
        "transactions are among them)",
        false);
    add(describe_, verb, "describe", "The partitions of one topic", true);
    add(remove_, verb, "remove", "Remove a topic and all its records", true);
  }

  Result<> run() override {
    std::unique_ptr<topics::Log> log = TRY(place().open_existing("penstock topics"));
    if (list_.app->parsed()) return list(*log);
    topics::TopicName name = TRY(topics::TopicName::parse(topic_));
    return describe_.app->parsed() ? describe(*log, name) : log->remove(name);
  }

  std::string_view advice(const Error& error) const override { return place().advice(error); }

 private:
  struct SubVerb {
    CLI::App* app = nullptr;
    LogPlace place;
  };

  const LogPlace& place() const {
    if (list_.app->parsed()) return list_.place;
    return describe_.app->parsed() ? describe_.place : remove_.place;
  }

  void add(SubVerb& sub_verb, CLI::App& verb, const std::string& name, const std::string& what,
           bool of_topic) {
    CLI::App* sub = sub_verb.app = verb.add_subcommand(name, what);
    sub_verb.place.declare(*sub, "Data folder");
    if (of_topic) sub->add_option("--topic", topic_, "Topic")->required();
    sub->footer(fmt::format("Example:\n  penstock topics {} --data data{}", name,
                            of_topic ? " --topic payments" : ""));
  }

  static Result<> list(topics::Log& log) {
    std::vector<topics::TopicName> names = TRY(log.list());
    std::size_t width = 5;
    for (const topics::TopicName& name : names) width = std::max(width, name.text().size());
    fmt::print("{:<{}}  {:>10}  {:>12}\n", "TOPIC", width, "PARTITIONS", "RECORDS");
    for (const topics::TopicName& name : names) {
      topics::TopicInfo info = TRY(log.describe(name));
      std::int64_t records = 0;
      for (const topics::PartitionInfo& p : info.partitions) records += p.end - p.first;
      fmt::print("{:<{}}  {:>10}  {:>12}\n", name.text(), width, info.spec.partitions, records);
    }
    return {};
  }

  static Result<> describe(topics::Log& log, const topics::TopicName& name) {
    topics::TopicInfo info = TRY(log.describe(name));
    fmt::print("topic      {}\npartitions {}\ncompacted  {}\n\n{:>9}  {:>12}  {:>12}  {:>12}\n",
               name.text(), info.spec.partitions, info.spec.compacted ? "yes" : "no", "PARTITION",
               "FIRST", "END", "RECORDS");
    for (std::size_t i = 0; i < info.partitions.size(); ++i) {
      const topics::PartitionInfo& p = info.partitions[i];
      fmt::print("{:>9}  {:>12}  {:>12}  {:>12}\n", i, p.first, p.end, p.end - p.first);
    }
    return {};
  }

  SubVerb list_, describe_, remove_;
  std::string topic_;
};

}  // namespace

std::unique_ptr<Command> make_topics() {
  return std::make_unique<TopicsCommand>();
}

}  // namespace penstock::cli
