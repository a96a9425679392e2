#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/folder.h"

namespace penstock::cli {
namespace {

class TopicsCommand final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    list_ = add(verb, "list", "All topics with their partitions and records", false);
    describe_ = add(verb, "describe", "The partitions of one topic", true);
    remove_ = add(verb, "remove", "Remove a topic and all its records", true);
  }

  Result<> run() override {
    TRY(require_folder(folder_));
    std::unique_ptr<topics::Log> log = TRY(open_log(folder_, "penstock topics"));
    if (list_->parsed()) return list(*log);
    topics::TopicName name = TRY(topics::TopicName::parse(topic_));
    return describe_->parsed() ? describe(*log, name) : log->remove(name);
  }

 private:
  CLI::App* add(CLI::App& verb, const std::string& name, const std::string& what, bool of_topic) {
    CLI::App* sub = verb.add_subcommand(name, what);
    sub->add_option("--data", folder_, "Data folder")->required();
    if (of_topic) sub->add_option("--topic", topic_, "Topic")->required();
    sub->footer(fmt::format("Example:\n  penstock topics {} --data data{}", name,
                            of_topic ? " --topic payments" : ""));
    return sub;
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

  CLI::App* list_ = nullptr;
  CLI::App* describe_ = nullptr;
  CLI::App* remove_ = nullptr;
  std::filesystem::path folder_;
  std::string topic_;
};

}  // namespace

std::unique_ptr<Command> make_topics() {
  return std::make_unique<TopicsCommand>();
}

}  // namespace penstock::cli
