// links: seal crypto base
// The fast reader of records agrees with the COSE reader, and nothing opens that was not sealed.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "crypto/cose.h"
#include "seal/keyring.h"
#include "seal/opener.h"
#include "seal/sealer.h"

namespace {

using namespace penstock;
using namespace penstock::seal;

constexpr std::int64_t kNowMs = 1'785'000'000'000;

std::unique_ptr<Opener> make_opener() {
  auto made =
      make_policy(
          {.id = "p", .topics = {"t"}, .schema_required = false, .not_after_s = 2 * kNowMs / 1000},
          crypto::system_random())
          .value();
  KeyRing keys;
  keys.add_policy(made.policy).value();
  keys.set_reader_key("p", made.reader.clone()).value();
  keys.set_producer_key("p", made.producer.clone()).value();
  auto sealer = Sealer::create({.topic = "t", .policy_id = "p", .schema_reference = {}}, keys,
                               crypto::system_random(), kNowMs)
                    .value();
  auto opener = Opener::create({.topic = "t", .policy_id = "p"}, keys).value();
  for (const EpochGrant& grant : sealer->take_grants())
    (void)opener->add_grant(grant.key, grant.value, kNowMs).value();
  return opener;
}

void check(ByteView input) {
  static const std::unique_ptr<Opener> opener = make_opener();
  SealedRecord record;
  auto slow = crypto::parse_encrypt0(input);
  if (parse_record(input, record)) {
    if (!slow || !std::ranges::equal(slow->protected_header, record.protected_header) ||
        !std::ranges::equal(slow->ciphertext, record.ciphertext))
      std::abort();
  }
  ByteBuffer out;
  RecordContext context{.key = {}, .timestamp_ms = 1, .path = {}, .partition = 0};
  if (is_opened(opener->open_in_any_order(context, input, out)) || !out.empty()) std::abort();
  context.path = "field";
  context.partition.reset();
  if (is_opened(opener->open_field(context, as_text(input), out)) || !out.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  check(input);
  if (auto decoded = from_hex(as_text(input))) check(*decoded);  // the seeds are hex text
  return 0;
}
