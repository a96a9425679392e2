// links: seal crypto base
// A document that is taken has one canonical form, which is taken again with the same digest.
#include <cstdlib>

#include "seal/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  auto policy = seal::Policy::parse(as_text({data, size}));
  if (!policy) return 0;
  auto again = seal::Policy::parse(policy->canonical());
  if (!again || again->digest() != policy->digest() || again->canonical() != policy->canonical())
    std::abort();
  auto document = seal::Policy::parse(policy->to_json().dump());
  if (!document || *document != *policy) std::abort();
  return 0;
}
