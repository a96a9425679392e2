// links: seal crypto base
// Grants as they come, and with the input as the content of a well-signed, well-encrypted one:
// behind the signature the parser must be as strict as before it.
#include <algorithm>
#include <cstdlib>

#include "crypto/cbor.h"
#include "crypto/cose.h"
#include "seal/grant.h"
#include "seal/sequence_guard.h"

namespace {

using namespace penstock;
using namespace penstock::seal;

crypto::P256PrivateKey key_of(std::uint8_t byte) {
  return crypto::P256PrivateKey::from_scalar(ByteBuffer(32, byte)).value();
}

class OneProducer final : public ProducerKeys {
 public:
  explicit OneProducer(const crypto::P256PublicKey& key) : key_(key) {}
  const crypto::P256PublicKey* find(ByteView) const override { return &key_; }

 private:
  const crypto::P256PublicKey& key_;
};

struct Fixture {
  crypto::P256PrivateKey producer = key_of(1);
  crypto::P256PrivateKey reader = key_of(2);
  GrantExpectation expected{.topic = "payments",
                            .policy_id = "payments-v1",
                            .policy_digest = {},
                            .schema_required = false,
                            .now_s = 1'785'000'000};
};

ByteBuffer signed_grant(const Fixture& f, ByteView content) {
  crypto::CborMap header;
  header.put_integer(1, crypto::kCoseAlgEs256);
  header.put_bytes(4, f.producer.public_key().thumbprint());
  std::vector<crypto::P256PublicKey> readers = {f.reader.public_key()};
  auto payload = crypto::encrypt_for(content, readers, crypto::system_random()).value();
  return crypto::sign1(header.encode(), payload, {}, f.producer).value();
}

void check(ByteView input) {
  static const Fixture f;
  OneProducer producers(f.producer.public_key());
  if (open_grant(input, producers, f.reader, f.expected)) std::abort();
  // Content that opens must be content that we would write.
  auto opened = open_grant(signed_grant(f, input), producers, f.reader, f.expected);
  if (opened && opened->spec.context.topic != "payments") std::abort();
  if (auto context = parse_context(input))
    if (encode_context(*context) != to_buffer(input)) std::abort();
  ByteView key = input.first(std::min(input.size(), kEpochNameBytes));
  ByteView value = input.subspan(key.size());
  if (auto entry = SequenceGuard::parse_entry(key, value))
    if (!std::ranges::equal(to_bytes(entry->epoch), key) ||
        !std::ranges::equal(SequenceGuard::encode_value(*entry), value))
      std::abort();
  if (auto totals = parse_gap_totals(input))
    if (encode_gap_totals(*totals) != to_buffer(input)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  check(input);
  if (auto decoded = from_hex(as_text(input))) check(*decoded);  // the seeds are hex text
  return 0;
}
