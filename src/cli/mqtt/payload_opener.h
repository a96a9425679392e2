// Sealed payloads for a person who has the policy's key.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "seal/key_source.h"
#include "seal/opener.h"

namespace penstock::cli {

// One thread. What it has seen is forgotten with it.
class PayloadOpener {
 public:
  // topic: of Penstock, that the payloads were sealed for. Errors as of policy_for_topic() and
  // Opener::create().
  static Result<std::unique_ptr<PayloadOpener>> create(const std::string& topic,
                                                       const seal::KeySource& keys);

  enum class Got : std::uint8_t { body, grant, refused };
  // One payload that came over `channel`. body: `out` is it, until the next call. refused: `out`
  // says why.
  Got take(std::string_view channel, std::string_view payload, std::string_view& out);

 private:
  explicit PayloadOpener(std::unique_ptr<seal::Opener> opener) : opener_(std::move(opener)) {}

  std::unique_ptr<seal::Opener> opener_;
  seal::PayloadGuard guard_;
  ByteBuffer scratch_, body_;
  std::string why_;
};

}  // namespace penstock::cli
