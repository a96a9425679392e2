#include "attest/tpm_quote.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/rule_book.h"

namespace penstock::attest {
namespace {

constexpr std::uint16_t kRsa = 0x0001, kEcc = 0x0023, kRsassa = 0x0014, kRsapss = 0x0016,
                        kEcdsa = 0x0018, kNull = 0x0010;
constexpr std::size_t kBanksMax = 4, kQuoteSizeMax = 4096;

std::unexpected<Error> bad_tpm(std::string_view what, std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, problem));
}

class TpmReader {
 public:
  TpmReader(ByteView bytes, std::string_view what) : rest_(bytes), what_(what) {}
  Result<ByteView> take(std::size_t size) {
    if (size > rest_.size()) return bad_tpm(what_, "it is cut short");
    const ByteView out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  Result<std::uint64_t> number(std::size_t size) { return read_be(TRY(take(size)), 0, size); }
  Result<std::uint16_t> u16() { return static_cast<std::uint16_t>(TRY(number(2))); }
  Result<ByteBuffer> sized() {
    const std::uint16_t size = TRY(u16());
    return to_buffer(TRY(take(size)));
  }
  Result<> end() const {
    if (!rest_.empty()) return bad_tpm(what_, "bytes behind it");
    return {};
  }

 private:
  ByteView rest_;
  std::string_view what_;
};

std::optional<crypto::Hash> tpm_hash(std::uint16_t id) {
  switch (id) {
    case 0x0004:
      return crypto::Hash::sha1;
    case 0x000b:
      return crypto::Hash::sha256;
    case 0x000c:
      return crypto::Hash::sha384;
    case 0x000d:
      return crypto::Hash::sha512;
    default:
      return std::nullopt;
  }
}

Result<std::vector<PcrSelection>> read_selection(TpmReader& reader) {
  const std::uint64_t count = TRY(reader.number(4));
  if (count == 0 || count > kBanksMax) return bad_tpm("quote", "no banks, or too many");
  std::vector<PcrSelection> out;
  for (std::uint64_t i = 0; i < count; ++i) {
    PcrSelection each;
    const auto bank = tpm_hash(TRY(reader.u16()));
    if (!bank) return bad_tpm("quote", "a bank of an unknown algorithm");
    if (std::ranges::find(out, *bank, &PcrSelection::bank) != out.end())
      return bad_tpm("quote", "a bank is selected twice");
    each.bank = *bank;
    const std::uint64_t size = TRY(reader.number(1));
    if (size == 0 || size > 4) return bad_tpm("quote", "a selection of a wrong size");
    const ByteView bitmap = TRY(reader.take(size));
    for (std::uint32_t k = 0; k < size * 8; ++k)
      if ((bitmap[k / 8] >> (k % 8) & 1) != 0) each.indices.push_back(k);
    out.push_back(std::move(each));
  }
  return out;
}

// Big-endian numbers of any length, to exactly `half` bytes.
Result<> append_number(ByteBuffer& out, ByteView number, std::size_t half) {
  while (!number.empty() && number[0] == 0) number = number.subspan(1);
  if (number.size() > half) return bad_tpm("signature", "a number too large for its curve");
  out.insert(out.end(), half - number.size(), 0);
  out.insert(out.end(), number.begin(), number.end());
  return {};
}

Result<TpmSignature> parse_tpmt(ByteView bytes, const crypto::PublicKey& key) {
  TpmReader reader(bytes, "signature");
  TpmSignature out;
  const std::uint16_t algorithm = TRY(reader.u16());
  const auto hash = tpm_hash(TRY(reader.u16()));
  if (!hash) return bad_tpm("signature", "an unknown hash");
  out.hash = *hash;
  if (algorithm == kEcdsa) {
    out.form = crypto::SignatureForm::ecdsa_raw;
    const std::size_t half = key.kind() == crypto::KeyKind::p384 ? 48 : 32;
    const ByteBuffer r = TRY(reader.sized());
    TRY(append_number(out.bytes, r, half));
    const ByteBuffer s = TRY(reader.sized());
    TRY(append_number(out.bytes, s, half));
  } else if (algorithm == kRsassa || algorithm == kRsapss) {
    out.form =
        algorithm == kRsassa ? crypto::SignatureForm::rsa_pkcs1 : crypto::SignatureForm::rsa_pss;
    out.bytes = TRY(reader.sized());
  } else {
    return bad_tpm("signature", "a scheme other than RSASSA, RSAPSS and ECDSA");
  }
  TRY(reader.end());
  return out;
}

Result<> skip_scheme(TpmReader& reader, bool with_symmetric) {
  if (with_symmetric) {
    const std::uint16_t symmetric = TRY(reader.u16());
    if (symmetric != kNull) TRY(reader.take(4));  // key bits, mode
  }
  const std::uint16_t scheme = TRY(reader.u16());
  if (scheme != kNull) TRY(reader.take(2));  // its hash
  return {};
}

Result<crypto::PublicKey> read_unique(TpmReader& reader, std::uint16_t type) {
  TRY(skip_scheme(reader, true));
  if (type == kRsa) {
    TRY(reader.take(2));  // key bits
    std::uint64_t exponent = TRY(reader.number(4));
    if (exponent == 0) exponent = 65537;
    const std::uint8_t e[] = {
        static_cast<std::uint8_t>(exponent >> 24), static_cast<std::uint8_t>(exponent >> 16),
        static_cast<std::uint8_t>(exponent >> 8), static_cast<std::uint8_t>(exponent)};
    const ByteBuffer modulus = TRY(reader.sized());
    return crypto::PublicKey::from_rsa(modulus, e);
  }
  const std::uint16_t curve = TRY(reader.u16());
  const std::uint16_t kdf = TRY(reader.u16());
  if (kdf != kNull) TRY(reader.take(2));
  if (curve != 3 && curve != 4) return bad_tpm("public area", "a curve other than P-256, P-384");
  const std::size_t half = curve == 3 ? 32 : 48;
  ByteBuffer point;
  const ByteBuffer x = TRY(reader.sized());
  TRY(append_number(point, x, half));
  const ByteBuffer y = TRY(reader.sized());
  TRY(append_number(point, y, half));
  return crypto::PublicKey::from_point(curve == 3 ? crypto::KeyKind::p256 : crypto::KeyKind::p384,
                                       point);
}

Result<std::map<std::uint32_t, ByteBuffer>> read_bank(const Json& bank, std::size_t size) {
  std::map<std::uint32_t, ByteBuffer> out;
  const auto put = [&](std::uint64_t index, const Json& value) -> Result<> {
    if (index > 31 || !value.is_string()) return bad_tpm("PCRs", "not a hex text of index 0 to 31");
    ByteBuffer bytes = TRY_IN(from_hex(value.get<std::string>()), "PCRs");
    if (bytes.size() != size) return bad_tpm("PCRs", "a value of a wrong length");
    out[static_cast<std::uint32_t>(index)] = std::move(bytes);
    return {};
  };
  if (bank.is_array()) {
    for (std::size_t i = 0; i < bank.size(); ++i) TRY(put(i, bank[i]));
    return out;
  }
  if (!bank.is_object()) return bad_tpm("PCRs", "a bank is neither a list nor an object");
  for (const auto& [name, value] : bank.items()) {
    std::uint64_t index = 99;
    if (!name.empty() && name.size() <= 2 &&
        std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }))
      index = static_cast<std::uint64_t>(std::stoi(name));
    TRY(put(index, value));
  }
  return out;
}

}  // namespace

Result<TpmQuote> parse_tpm_quote(ByteView bytes) {
  if (bytes.size() > kQuoteSizeMax) return bad_tpm("quote", "it is too long");
  TpmReader reader(bytes, "quote");
  TpmQuote out;
  out.bytes = to_buffer(bytes);
  out.magic = static_cast<std::uint32_t>(TRY(reader.number(4)));
  out.type = TRY(reader.u16());
  out.qualified_signer = TRY(reader.sized());
  out.extra_data = TRY(reader.sized());
  out.clock = TRY(reader.number(8));
  out.reset_count = static_cast<std::uint32_t>(TRY(reader.number(4)));
  out.restart_count = static_cast<std::uint32_t>(TRY(reader.number(4)));
  out.safe = static_cast<std::uint8_t>(TRY(reader.number(1)));
  out.firmware_version = TRY(reader.number(8));
  out.selection = TRY(read_selection(reader));
  out.pcr_digest = TRY(reader.sized());
  TRY(reader.end());
  return out;
}

std::string_view tpm_name(crypto::SignatureForm form) {
  return form == crypto::SignatureForm::rsa_pkcs1 ? "RSASSA"
         : form == crypto::SignatureForm::rsa_pss ? "RSAPSS"
                                                  : "ECDSA";
}

Result<TpmSignature> parse_tpm_signature(ByteView bytes, std::string_view format,
                                         const crypto::PublicKey& key) {
  if (bytes.size() > 2048) return bad_tpm("signature", "it is too long");
  if (format == "ecdsa-der-sha256")
    return TpmSignature{crypto::SignatureForm::ecdsa_der, crypto::Hash::sha256, to_buffer(bytes)};
  if (format == "rsassa-sha256")
    return TpmSignature{crypto::SignatureForm::rsa_pkcs1, crypto::Hash::sha256, to_buffer(bytes)};
  if (!format.empty() && format != "tpmt") return bad_tpm("signature", "a form that is not known");
  return parse_tpmt(bytes, key);
}

Result<TpmPublic> parse_tpm_public(ByteView bytes) {
  if (bytes.size() < 8 || bytes.size() > 2048) return bad_tpm("public area", "a wrong length");
  if (read_be(bytes, 0, 2) == bytes.size() - 2) bytes = bytes.subspan(2);  // TPM2B
  TpmReader reader(bytes, "public area");
  const std::uint16_t type = TRY(reader.u16()), name_hash = TRY(reader.u16());
  if (type != kRsa && type != kEcc) return bad_tpm("public area", "neither RSA nor ECC");
  const auto hash = tpm_hash(name_hash);
  if (!hash || *hash == crypto::Hash::sha1) return bad_tpm("public area", "an unknown name hash");
  const auto attributes = static_cast<std::uint32_t>(TRY(reader.number(4)));
  TRY(reader.sized());  // policy
  crypto::PublicKey key = TRY(read_unique(reader, type));
  TRY(reader.end());
  ByteBuffer name{static_cast<std::uint8_t>(name_hash >> 8), static_cast<std::uint8_t>(name_hash)};
  const ByteBuffer digest = crypto::digest(*hash, bytes);
  name.insert(name.end(), digest.begin(), digest.end());
  return TpmPublic{to_buffer(bytes), attributes, std::move(key), std::move(name)};
}

Result<PcrBanks> parse_pcrs(ByteView json) {
  const Json document = TRY(parse_json(as_text(json), "PCRs", {.bytes_max = 256 << 10}));
  PcrBanks out;
  if (document.is_array()) {
    out[crypto::Hash::sha256] = TRY(read_bank(document, 32));
    return out;
  }
  if (!document.is_object()) return bad_tpm("PCRs", "neither a list nor an object");
  for (const auto& [name, bank] : document.items()) {
    bool known = false;
    for (const auto hash :
         {crypto::Hash::sha1, crypto::Hash::sha256, crypto::Hash::sha384, crypto::Hash::sha512})
      if (name == crypto::to_text(hash)) {
        out[hash] = TRY(read_bank(bank, crypto::size_of(hash)));
        known = true;
      }
    if (!known) return bad_tpm("PCRs", "a bank of an unknown algorithm");
  }
  return out;
}

}  // namespace penstock::attest
