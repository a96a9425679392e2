// links: attest crypto base
// Evidence that nobody signed is never affirmed; nor is any that was made for another session.
#include <cstddef>
#include <cstdint>

#include "attest/verifier.h"
#include "base/check.h"

namespace {

// The key that fuzz/corpus/evidence/signed.json was made with.
penstock::attest::Anchors development() {
  const penstock::ByteBuffer scalar(32, 0x11);
  return {.simulated_platforms =
              {penstock::crypto::P256PrivateKey::from_scalar(scalar).value().public_key()},
          .sample_allowed = true};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const penstock::attest::Anchors kDevelopment = development();
  const std::string_view text = penstock::as_text({data, size});
  penstock::attest::Expectations session;
  session.report_data[5] = 0x5e;
  for (const auto& verifier : penstock::attest::builtin_verifiers()) {
    for (const auto& anchors : {penstock::attest::Anchors(), kDevelopment}) {
      const auto verdict = penstock::attest::judge(verifier.tee, text, session, anchors);
      CHECK(verdict.has_value());
      const bool unsigned_for_tests = verifier.tee == "sample" && anchors.sample_allowed;
      CHECK(unsigned_for_tests || !verdict->affirming());
    }
  }
  return 0;
}
