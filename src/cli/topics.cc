#include <unistd.h>

#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/console/place_target.h"
#include "cli/log_place.h"
#include "cli/quantity.h"
#include "cli/undecided_text.h"
#include "seal/grant.h"
#include "session/topic_users.h"
#include "topics/limits.h"

namespace penstock::cli {
namespace {

// Else -1 would be taken for a very large size; the texts are for CLI11, empty when all is well.
std::string not_negative(const std::string& text) {
  return text.starts_with('-') ? "is below 0; --keep keeps everything" : "";
}

class TopicsCommand final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    add(list_, verb, "list",
        "All topics with their partitions and records (on Kafka, offsets: the marks of "
        "transactions are among them)",
        false);
    add(describe_, verb, "describe", "The partitions of one topic", true);
    CLI::App& create = add(create_, verb, "create", "Make a topic", true);
    create
        .add_option("--partitions", partitions_, "Partitions; a folder's topics keep their number")
        ->check(CLI::Range(1, topics::kPartitionsMax))
        ->capture_default_str();
    create.add_flag(
        "--compacted", compacted_,
        "The newest record of each key is kept, older ones go (in a folder: of segments "
        "that are full)");
    declare_retention(create);
    declare_retention(add(alter_, verb, "alter",
                          "Say how long records are kept: they go in pieces (segments), oldest "
                          "first, and never before every query has read them",
                          true));
    CLI::App& trim = add(trim_, verb, "trim", "Delete the oldest records of a partition", true);
    trim.add_option("--partition", partition_, "Partition")->required();
    trim.add_option("--before", before_,
                    "Offset; whole pieces before it go (on Kafka all records before it)")
        ->required();
    trim.add_flag("--unread", unread_, "Even records that a query has yet to read");
    CLI::App& remove =
        add(remove_, verb, "remove",
            "Remove a topic with all its records, and its grants if it is sealed", true);
    remove.add_flag("--yes", yes_, "Without asking");
    remove.add_flag("--force", force_, "End the queries that use it first");
    remove.add_option("--keys", keys_file_, "Key file, when --force works on a free folder");
  }

  Result<> run() override {
    constexpr const char* kProgram = "penstock topics";
    std::unique_ptr<topics::Log> log =
        TRY(create_.app->parsed() ? place().open(kProgram) : place().open_existing(kProgram));
    if (list_.app->parsed()) return list(*log);
    topics::TopicName name = TRY(topics::TopicName::parse(topic_));
    if (create_.app->parsed())
      return log->create({name, partitions_, compacted_, TRY(retention())});
    if (describe_.app->parsed()) return describe(*log, name);
    if (alter_.app->parsed()) return alter(*log, name);
    if (trim_.app->parsed()) return log->trim({name, partition_}, before_, unread_);
    return remove(log, name);
  }

  std::string_view advice(const Error& error) const override { return place().advice(error); }

 private:
  struct SubVerb {
    CLI::App* app = nullptr;
    LogPlace place;
  };

  const LogPlace& place() const {
    for (const SubVerb* sub_verb : {&list_, &describe_, &create_, &alter_, &trim_})
      if (sub_verb->app->parsed()) return sub_verb->place;
    return remove_.place;
  }

  CLI::App& add(SubVerb& sub_verb, CLI::App& verb, const std::string& name, const std::string& what,
                bool of_topic) {
    CLI::App* sub = sub_verb.app = verb.add_subcommand(name, what);
    sub_verb.place.declare(*sub, "Data folder");
    if (of_topic) sub->add_option("--topic", topic_, "Topic")->required();
    sub->footer(fmt::format("Example:\n  penstock topics {} --data data{}", name,
                            of_topic ? " --topic payments" : ""));
    return *sub;
  }

  void declare_retention(CLI::App& sub) {
    CLI::Option* age = sub.add_option("--retention", age_,
                                      "How long records are kept, by their timestamps: 7d, 12h, "
                                      "30m, 90s or 1500ms");
    CLI::Option* bytes =
        sub.add_option("--retention-bytes", bytes_,
                       "How much of a partition is kept: bytes, or with a unit (10GiB)")
            ->transform(CLI::AsSizeValue(false))
            ->transform(CLI::Validator(not_negative, "", ""));  // goes first
    sub.add_flag("--keep", for_ever_, "Everything is kept for ever (the default of a topic)")
        ->excludes(age)
        ->excludes(bytes);
  }

  Result<topics::Retention> retention() const {
    topics::Retention retention;
    if (!age_.empty()) retention.age = TRY(parse_duration(age_));
    if (bytes_ > 0) retention.bytes = bytes_;
    return retention;
  }

  Result<> alter(topics::Log& log, const topics::TopicName& name) const {
    const topics::Retention retention = TRY(this->retention());
    if (!retention.is_set() && !for_ever_)
      return fail(ErrorCode::invalid_argument,
                  "say what is kept: --retention AGE, --retention-bytes SIZE, both, or --keep");
    return log.set_retention(name, retention);
  }

  static std::int64_t records_of(const topics::TopicInfo& info) {
    std::int64_t records = 0;
    for (const topics::PartitionInfo& p : info.partitions) records += p.end - p.first;
    return records;
  }

  static Result<> list(topics::Log& log) {
    std::vector<topics::TopicName> names = TRY(log.list());
    std::size_t width = 5;
    for (const topics::TopicName& name : names) width = std::max(width, name.text().size());
    fmt::print("{:<{}}  {:>10}  {:>12}  {:>12}\n", "TOPIC", width, "PARTITIONS", "RECORDS", "DISK");
    for (const topics::TopicName& name : names) {
      topics::TopicInfo info = TRY(log.describe(name));
      fmt::print("{:<{}}  {:>10}  {:>12}  {:>12}\n", name.text(), width, info.spec.partitions,
                 records_of(info), disk_text(info));
    }
    return {};
  }

  // "-": on somebody else's.
  static std::string disk_text(const topics::TopicInfo& info) {
    std::uint64_t bytes = 0;
    for (const topics::PartitionInfo& p : info.partitions) bytes += p.bytes;
    return bytes == 0 && records_of(info) > 0 ? "-" : size_text(bytes);
  }

  static std::string kept_text(const topics::Retention& retention) {
    if (!retention.is_set()) return "for ever";
    std::string text = retention.age ? duration_text(*retention.age) : "";
    if (retention.bytes)
      text += fmt::format("{}{} per partition", text.empty() ? "" : ", at most ",
                          size_text(*retention.bytes));
    return text;
  }

  static Result<> describe(topics::Log& log, const topics::TopicName& name) {
    topics::TopicInfo info = TRY(log.describe(name));
    fmt::print("topic      {}\npartitions {}\ncompacted  {}\nkept       {}\ndisk       {}\n\n",
               name.text(), info.spec.partitions, info.spec.compacted ? "yes" : "no",
               kept_text(info.spec.retention), disk_text(info));
    fmt::print("{:>9}  {:>12}  {:>12}  {:>12}\n", "PARTITION", "FIRST", "END", "RECORDS");
    for (std::size_t i = 0; i < info.partitions.size(); ++i) {
      const topics::PartitionInfo& p = info.partitions[i];
      fmt::print("{:>9}  {:>12}  {:>12}  {:>12}\n", i, p.first, p.end, p.end - p.first);
    }
    const std::map<std::int32_t, topics::Undecided> undecided = TRY(log.undecided(name));
    for (const auto& [partition, held] : undecided)
      fmt::print("{}partition {}: {}\n", partition == undecided.begin()->first ? "\n" : "",
                 partition, undecided_text(held));
    if (!undecided.empty()) fmt::print("{}\n", kUndecidedAdvice);
    return {};
  }

  Result<> remove(std::unique_ptr<topics::Log>& log, const topics::TopicName& name) {
    TRY(require_removable(name));
    const topics::TopicInfo info = TRY(log->describe(name));
    const std::vector<session::TopicUser> users = TRY(session::users_of(*log, name));
    if (!users.empty() && !force_) return fail(in_use(name, users));
    TRY(confirm(info, users));
    if (!users.empty()) {
      log.reset();  // the queries' owner needs the folder
      TRY(end_queries(users));
      log = TRY(place().open_existing("penstock topics"));
    }
    TRY(log->remove(name));
    const auto grants = TRY(topics::TopicName::parse(seal::grants_topic(name.text())));
    Result<> removed = log->remove(grants);
    if (removed || removed.error().code() == ErrorCode::not_found) return {};
    return removed;
  }

  static Result<> require_removable(const topics::TopicName& name) {
    if (name.text().starts_with('_'))
      return fail(ErrorCode::permission_denied,
                  fmt::format("'{}' is a service's own record of what it runs, which is never "
                              "removed",
                              name.text()));
    if (!seal::is_grants_topic(name.text())) return {};
    return fail(ErrorCode::permission_denied,
                fmt::format("'{}' holds the grants without which the records of its topic can "
                            "never be opened again: they go when that topic is removed",
                            name.text()));
  }

  static Error in_use(const topics::TopicName& name, const std::vector<session::TopicUser>& users) {
    std::string who;
    for (const session::TopicUser& user : users)
      who += fmt::format("{}{} {} (service '{}') {}", who.empty() ? "" : "; ",
                         user.is_connector ? "connector" : "query", user.query_id, user.service,
                         user.use);
    return Error(ErrorCode::failed_precondition,
                 fmt::format("topic '{}' is in use: {}. TERMINATE them first, or let --force do it",
                             name.text(), who));
  }

  Result<> confirm(const topics::TopicInfo& info,
                   const std::vector<session::TopicUser>& users) const {
    if (yes_) return {};
    const std::string& name = info.spec.name.text();
    if (::isatty(STDIN_FILENO) == 0)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("removing topic '{}' can't be taken back; --yes says that it is meant",
                      name));
    fmt::print(stderr, "Remove topic '{}' with {} records{}? [y/N] ", name, records_of(info),
               users.empty() ? "" : fmt::format(" and end {} queries", users.size()));
    std::string answer;
    std::getline(std::cin, answer);
    if (answer == "y" || answer == "Y" || answer == "yes") return {};
    return fail(ErrorCode::cancelled, "nothing was removed");
  }

  // By the process that holds the folder, else in this one.
  Result<> end_queries(const std::vector<session::TopicUser>& users) const {
    std::string script;
    for (const session::TopicUser& user : users) {
      if (user.service != place().service_id())
        return fail(ErrorCode::failed_precondition,
                    fmt::format("query {} is of service '{}', not '{}': end it there first",
                                user.query_id, user.service, place().service_id()));
      script += fmt::format("{} `{}`;\n", user.is_connector ? "DROP CONNECTOR" : "TERMINATE",
                            user.query_id);
    }
    auto target = TRY(open_place_target(place(), keys_file_, {}));
    std::optional<Error> error = target->execute(script, {}).error;
    return error ? Result<>(fail(*std::move(error))) : Result<>();
  }

  SubVerb list_, describe_, create_, alter_, trim_, remove_;
  std::string topic_, keys_file_, age_;
  std::uint64_t bytes_ = 0;
  bool for_ever_ = false, unread_ = false, yes_ = false, force_ = false;
  std::int32_t partition_ = 0, partitions_ = 1;
  bool compacted_ = false;
  topics::Offset before_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_topics() {
  return std::make_unique<TopicsCommand>();
}

}  // namespace penstock::cli
