// What the tests of the conformance suite have at hand.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "topics/conformance.h"
#include "topics/test_log.h"

namespace penstock::topics {

using Strings = std::vector<std::string>;

class LogConformance : public ::testing::TestWithParam<LogImplementation> {
 protected:
  LogConformance() : place_(GetParam().make_place()), log_(place_->open()) {}

  void restart() {
    log_.reset();
    log_ = place_->open();
  }
  std::unique_ptr<Writer> writer(std::string id = "writer") {
    return must(log_->writer(WriterId(std::move(id))));
  }
  void create(std::string_view name, std::int32_t partitions = 1) {
    must(log_->create({topic(name), partitions, false}));
  }
  bool dense() const { return GetParam().dense_offsets; }
  std::size_t read(Reader& reader, ReadBuffer& buffer, std::size_t bytes_max) {
    return next_of(*log_, reader, buffer, bytes_max);
  }
  // Of the record with this number.
  Offset offset_of(const TopicPartition& at, std::size_t row) {
    return dense() ? static_cast<Offset>(row) : offsets_of(*log_, at).at(row);
  }
  // Nothing was ever committed to it.
  void expect_empty(const TopicPartition& at) {
    EXPECT_EQ(read_all(*log_, at), Strings());
    if (dense()) {
      EXPECT_EQ(end_of(*log_, at), 0);
    }
  }
  std::vector<std::pair<std::string, std::string>> state_of(Writer& writer, const TaskId& task) {
    std::vector<std::pair<std::string, std::string>> pairs;
    must(writer.restore(task, [&](ByteView key, ByteView value) {
      pairs.emplace_back(as_text(key), as_text(value));
    }));
    return pairs;
  }

  std::unique_ptr<LogPlace> place_;
  std::unique_ptr<Log> log_;
};

}  // namespace penstock::topics
