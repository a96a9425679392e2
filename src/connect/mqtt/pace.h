// When a source should commit: as soon as the broker waits for us, else when nothing more comes.
// Pure; one thread.
#pragma once

#include <algorithm>
#include <cstddef>

namespace penstock::connect::mqtt {

// Brokers stop at a window of unacknowledged messages, which only 5.0 lets us choose (mosquitto
// gives 3.1.1 twenty). The one at which a broker stopped last is remembered, so that the next time
// it is answered without a pause; when it turns out to send more, the guess grows. Of a large
// window, half is committed while the broker sends the other half.
class Pace {
 public:
  // window: the largest number of messages that may be unacknowledged, from 1.
  explicit Pace(std::size_t window) : window_(window), full_at_(window) {}

  enum class Next : unsigned char { commit, look_again };  // look_again: after a short time
  // Messages have come.
  Next came(std::size_t unacknowledged, std::size_t gathered) {
    if (unacknowledged > full_at_) full_at_ = std::min(window_, 2 * unacknowledged);
    const bool half = full_at_ >= kHalvedFrom && gathered >= full_at_ / 2;
    if (half || unacknowledged >= full_at_ || gathered >= kGatheredMax) return begin_anew();
    return Next::look_again;
  }
  // The short time is over.
  Next looked(std::size_t unacknowledged, std::size_t gathered) {
    const bool grows = gathered != gathered_;
    gathered_ = gathered;
    if (grows && ++looks_ < kLooksMax) return Next::look_again;
    if (!grows && unacknowledged > 0) full_at_ = std::min(window_, unacknowledged);
    return begin_anew();
  }
  // Everything gathered is being committed, for another reason.
  void taken() { begin_anew(); }

 private:
  static constexpr std::size_t kGatheredMax = 4096;  // messages: of QoS 0 no window holds any back
  static constexpr std::size_t kHalvedFrom = 200;    // below, a commit costs more than the wait
  static constexpr int kLooksMax = 20;

  Next begin_anew() {
    gathered_ = 0;
    looks_ = 0;
    return Next::commit;
  }

  const std::size_t window_;
  std::size_t full_at_, gathered_ = 0;
  int looks_ = 0;
};

}  // namespace penstock::connect::mqtt
