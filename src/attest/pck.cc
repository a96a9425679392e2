#include <fmt/format.h>

#include "attest/dcap_quote.h"
#include "crypto/der.h"

namespace penstock::attest {
namespace {

constexpr std::string_view kSgxOid = "1.2.840.113741.1.13.1";

std::unexpected<Error> bad_pck(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("PCK certificate: {}", problem));
}

// {OID, value} of a SEQUENCE; the OID's tail behind `prefix`.
struct Member {
  std::string number;
  crypto::DerValue value;
};
Result<Member> next_member(crypto::DerReader& reader, std::string_view prefix) {
  crypto::DerReader pair(TRY(reader.next(crypto::der::kSequence)).content);
  std::string oid = TRY(crypto::der_oid(TRY(pair.next(crypto::der::kOid)).content));
  Member out{"", TRY(pair.next())};
  TRY(pair.expect_end());
  if (!oid.starts_with(prefix) || oid.size() <= prefix.size() + 1 || oid[prefix.size()] != '.')
    return bad_pck("an object id that does not belong there");
  out.number = oid.substr(prefix.size() + 1);
  return out;
}

Result<std::string> octets(const crypto::DerValue& value, std::size_t size) {
  if (value.tag != crypto::der::kOctetString || value.content.size() != size)
    return bad_pck(fmt::format("a value that is not of {} bytes", size));
  return to_hex(value.content);
}

Result<int> svn(const crypto::DerValue& value, int most) {
  if (value.tag != crypto::der::kInteger) return bad_pck("a version that is not a number");
  const std::int64_t number = TRY(crypto::der_unsigned(value.content));
  if (number > most) return bad_pck("a version that is too large");
  return static_cast<int>(number);
}

Result<> read_tcb(const crypto::DerValue& value, PckFacts& out) {
  if (value.tag != crypto::der::kSequence) return bad_pck("the TCB is not a sequence");
  crypto::DerReader reader(value.content);
  unsigned seen = 0;
  const std::string prefix = fmt::format("{}.2", kSgxOid);
  while (!reader.at_end()) {
    const Member member = TRY(next_member(reader, prefix));
    int number = 0;
    for (const char c : member.number) {
      if (c < '0' || c > '9' || number > 99) return bad_pck("an unknown part of the TCB");
      number = number * 10 + (c - '0');
    }
    if (number < 1 || number > 18) return bad_pck("an unknown part of the TCB");
    if ((seen >> number & 1) != 0) return bad_pck("a part of the TCB is there twice");
    seen |= 1U << number;
    if (number <= 16)
      out.components[static_cast<std::size_t>(number) - 1] = TRY(svn(member.value, 255));
    else if (number == 17)
      out.pcesvn = TRY(svn(member.value, 65535));
    else
      TRY(octets(member.value, 16));
  }
  if ((seen & 0x3fffe) != 0x3fffe) return bad_pck("a part of the TCB is missing");
  return {};
}

}  // namespace

Result<PckFacts> read_pck(const crypto::PkixCertificate& certificate) {
  const auto extension = TRY(certificate.extension(kSgxOid));
  if (!extension) return bad_pck("Intel's extension is missing");
  crypto::DerReader reader(TRY(crypto::der_value(*extension, crypto::der::kSequence)).content);
  PckFacts out;
  bool tcb = false;
  while (!reader.at_end()) {
    const Member member = TRY(next_member(reader, kSgxOid));
    std::string* text = member.number == "1"   ? &out.ppid
                        : member.number == "3" ? &out.pceid
                        : member.number == "4" ? &out.fmspc
                        : member.number == "6" ? &out.platform_instance
                                               : nullptr;
    const std::size_t size = member.number == "3" ? 2 : member.number == "4" ? 6 : 16;
    if (text != nullptr) {
      if (!text->empty()) return bad_pck("a value is there twice");
      *text = TRY(octets(member.value, size));
    } else if (member.number == "2") {
      if (tcb) return bad_pck("the TCB is there twice");
      TRY(read_tcb(member.value, out));
      tcb = true;
    }
  }
  if (!tcb || out.fmspc.empty() || out.pceid.empty()) return bad_pck("a value is missing");
  return out;
}

}  // namespace penstock::attest
