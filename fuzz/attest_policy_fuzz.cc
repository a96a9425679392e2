// links: attest crypto base
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attest/policy.h"
#include "base/check.h"

namespace {

class Nothing final : public penstock::attest::PolicyLists {
 public:
  const std::vector<std::string>* find(std::string_view) const override { return nullptr; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = penstock::attest::Policy::parse(text);
  if (!policy) return 0;
  const Nothing lists;
  const penstock::attest::Claims claims = {{"tee", "snp"}, {"svn", 3}, {"debug", false}};
  const auto rules = policy->evaluate(penstock::attest::Trust::hardware, claims, lists);
  CHECK(!rules.empty());
  CHECK(!policy->digest().empty());
  return 0;
}
