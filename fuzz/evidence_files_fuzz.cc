// links: attest crypto base
// Whole evidence by files: what nobody has signed is never good.
#include <cstddef>
#include <cstdint>

#include "attest/evidence.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  using namespace penstock::attest;
  if (size < 2) return 0;
  const auto kinds = builtin_evidence_kinds();
  const EvidenceKind& kind = kinds[data[0] % kinds.size()];
  // Nothing signs these by themselves.
  if (kind.type == "tcg-eventlog" || kind.type == "ccel") return 0;
  EvidenceFiles files;
  for (const char* role : {"evidence", "quote", "hcl_report", "leaf", "tcb_info"})
    files.files[role].emplace_back(bytes.begin() + 1, bytes.end());
  Expectations expected;
  expected.unbound = true;
  const Anchors anchors;
  const Appraisal appraisal = kind.appraise(files, {expected, anchors});
  CHECK(!all_pass(appraisal.rules));
  return 0;
}
