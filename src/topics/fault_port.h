// Where tests make the disk fail.
#pragma once

#include <cstddef>

namespace penstock::topics {

enum class DiskStep {
  allocate,     // reserving blocks of a segment
  write,        // bytes of a segment
  sync,         // fdatasync of a segment
  state,        // the RocksDB batch of a commit round: fails before it is written
  state_after,  // the same, fails after it was written
  state_open,   // opening RocksDB again after a failure
};

class FaultPort {
 public:
  virtual ~FaultPort() = default;
  // 0 to go on, or the errno with which this step is to fail. Called under the commit round's lock.
  virtual int before(DiskStep step, std::size_t bytes) = 0;
};

}  // namespace penstock::topics
