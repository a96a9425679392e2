// The least that fetching from Kafka costs: one request after the other over a plain socket, and
// record batches walked where they lie. Reads one partition of one broker; for measuring only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

namespace penstock::bench {

// What a reader of a log has to say of each record, by columns.
struct FetchedRecords {
  std::vector<Slice> keys, values, headers;  // headers: as on the wire; empty for none
  std::vector<std::int64_t> timestamps_ms, offsets;
  void clear();
};

// Record batches of one answer, format 2 (kafka.apache.org/documentation/#recordbatch). Appends the
// records from `from` on and returns the offset to go on at. A cut last batch is left out.
// unsupported: compressed batches; corrupt: a checksum or a length is wrong.
Result<std::int64_t> walk_batches(ByteView batches, std::int64_t from, bool check_crc,
                                  FetchedRecords& out);

class KafkaFetcher {
 public:
  struct Options {
    std::string bootstrap;  // 127.0.0.1:port; that broker leads the partition
    std::string topic;
    std::int32_t fetch_bytes = 4 << 20;
    bool check_crc = true;
    bool copy = false;  // values into one storage, as ReadBuffer has them
  };
  static Result<KafkaFetcher> connect(Options options);

  // Asks for what follows, and while it comes hands out what came before. Empty: the end.
  Result<const FetchedRecords*> next();

 private:
  explicit KafkaFetcher(Options options) : options_(std::move(options)) {}
  Result<> ask();
  Result<> receive();
  Result<> receive_exactly(std::uint8_t* to, std::size_t size);
  Result<ByteView> batches_of_answer() const;
  void copy_values();

  Options options_;
  UniqueFd socket_;
  std::int32_t correlation_ = 0;
  std::int64_t next_ = 0;
  std::vector<std::uint8_t> answer_;  // grows to the largest
  std::size_t answer_bytes_ = 0;
  FetchedRecords records_;
  ByteBuffer storage_;
};

}  // namespace penstock::bench
