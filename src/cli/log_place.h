// Where a verb's topics are: in a data folder (--data) or on Kafka (--kafka and its companions).
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "seal/key_source.h"
#include "topics/log.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace penstock::cli {

class LogPlace {
 public:
  // Adds the options to a verb.
  void declare(CLI::App& verb, const std::string& data_help);

  // invalid_argument: neither of them was given.
  Result<> check() const;
  bool on_kafka() const { return !bootstrap_.empty(); }
  const std::filesystem::path& folder() const { return folder_; }  // not on Kafka
  const std::string& service_id() const { return service_id_; }
  CLI::Option* data_option() const { return data_; }
  CLI::Option* kafka_option() const { return kafka_; }
  std::string option() const;  // as it was given: "--data data", "--kafka a:9092"
  std::string text() const;    // for messages: "'data'", "Kafka at 'a:9092'"

  // The log there. A folder: made when missing, or through the socket of the process that holds it.
  // On Kafka, a commit that is begun and not ended keeps readers waiting for so long (0: as usual).
  // keys: those of a service whose queries run on it; null: nothing that needs a state key.
  Result<std::unique_ptr<topics::Log>> open(std::string program,
                                            std::chrono::milliseconds commit_max = {},
                                            const seal::KeySource* keys = nullptr) const;
  // For verbs that only look: not_found unless the folder is there.
  Result<std::unique_ptr<topics::Log>> open_existing(std::string program) const;
  // What to do about an error, see Command::advice.
  std::string_view advice(const Error& error) const;

 private:
  CLI::Option* data_ = nullptr;
  CLI::Option* kafka_ = nullptr;
  std::filesystem::path folder_, kafka_config_;
  std::string bootstrap_;
  std::string service_id_ = "default_";
};

}  // namespace penstock::cli
