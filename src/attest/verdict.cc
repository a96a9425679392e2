#include "attest/verdict.h"

#include "base/check.h"

namespace penstock::attest {

std::string_view to_text(Trust trust) {
  switch (trust) {
    case Trust::hardware:
      return "hardware";
    case Trust::provider:
      return "provider";
    case Trust::operator_:
      return "operator";
    case Trust::none:
      return "none";
  }
  CHECK(false);
}

Result<Trust> trust_from(std::string_view text) {
  for (const Trust trust : {Trust::hardware, Trust::provider, Trust::operator_, Trust::none}) {
    if (text == to_text(trust)) return trust;
  }
  return fail(ErrorCode::invalid_argument, "no such kind of trust");
}

Json Verdict::to_json() const {
  return {{"tee", tee_},
          {"trust", to_text(trust_)},
          {"affirming", affirming()},
          {"rules", attest::to_json(rules_)},
          {"claims", claims_}};
}

}  // namespace penstock::attest
