#include "crypto/certificate_names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/bytes.h"
#include "crypto/limits.h"
#include "crypto/x509.h"

namespace penstock::crypto {
namespace {

using GeneralNamePtr = OpensslPtr<GENERAL_NAME, GENERAL_NAME_free>;
using StringPtr = OpensslPtr<ASN1_STRING, ASN1_STRING_free>;

constexpr std::size_t kDnsNameBytesMax = 253;
constexpr std::size_t kDnsLabelBytesMax = 63;
constexpr std::size_t kIpv4Bytes = 4, kIpv6Bytes = 16;

std::unexpected<Error> bad_name(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("certificate: {}", problem));
}
std::unexpected<Error> names_refused() {
  return fail(openssl_error("names of a certificate"));
}

bool is_dns_label(std::string_view label) {
  auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !label.empty() && label.size() <= kDnsLabelBytesMax && letter_or_digit(label.front()) &&
         letter_or_digit(label.back()) &&
         std::ranges::all_of(label, [&](char c) { return letter_or_digit(c) || c == '-'; });
}

// Letters, digits and hyphens (RFC 1123); a last label of digits alone would look like an address.
bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > kDnsNameBytesMax) return false;
  while (true) {
    std::size_t dot = name.find('.');
    std::string_view label = name.substr(0, dot);
    if (!is_dns_label(label)) return false;
    if (dot == std::string_view::npos)
      return !std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
    name.remove_prefix(dot + 1);
  }
}

// Empty: it is no address.
ByteBuffer address_bytes(const std::string& text) {
  std::array<std::uint8_t, kIpv6Bytes> address{};
  if (text.find('\0') != std::string::npos) return {};
  const auto first = [&](std::size_t count) { return to_buffer(ByteView(address).first(count)); };
  if (::inet_pton(AF_INET, text.c_str(), address.data()) == 1) return first(kIpv4Bytes);
  if (::inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return first(kIpv6Bytes);
  return {};
}

Result<std::string> address_text(ByteView bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  const int family = bytes.size() == kIpv4Bytes ? AF_INET : AF_INET6;
  if ((bytes.size() != kIpv4Bytes && bytes.size() != kIpv6Bytes) ||
      ::inet_ntop(family, bytes.data(), text, sizeof text) == nullptr) {
    return bad_name("an address of it has neither 4 nor 16 bytes");
  }
  return std::string(text);
}

struct AlternativeName {
  int kind;  // GEN_DNS, GEN_IPADD
  ByteBuffer value;
};
Result<AlternativeName> alternative_name(const std::string& name) {
  if (ByteBuffer address = address_bytes(name); !address.empty())
    return AlternativeName{GEN_IPADD, std::move(address)};
  if (is_dns_name(name)) return AlternativeName{GEN_DNS, to_buffer(as_bytes(name))};
  return bad_name("a name is neither a DNS name (without wildcards) nor an IP address");
}

std::string lower_case(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

Result<std::string> text_of(const GENERAL_NAME* name) {
  int kind = 0;
  const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &kind));
  if (kind != GEN_DNS && kind != GEN_IPADD)
    return bad_name("a name of it is neither a DNS name nor an IP address");
  const ByteView bytes(ASN1_STRING_get0_data(value),
                       static_cast<std::size_t>(ASN1_STRING_length(value)));
  if (kind == GEN_IPADD) return address_text(bytes);
  return canonical_certificate_name(std::string(as_text(bytes)));
}

// "10.0.0.0/8" -> "10.0.0.0/255.0.0.0"; empty: it is no range.
Result<std::string> address_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const ByteBuffer address = address_bytes(std::string(text.substr(0, slash)));
  if (address.empty()) return std::string();
  unsigned bits = static_cast<unsigned>(address.size()) * 8;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    unsigned given = 0;
    const auto end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, given);
    if (read.ec != std::errc() || read.ptr != end || given > bits)
      return bad_name(fmt::format("a range of addresses ends with /0 to /{}", bits));
    bits = given;
  }
  ByteBuffer mask(address.size());
  for (unsigned i = 0; i < bits; ++i) mask[i / 8] |= static_cast<std::uint8_t>(0x80U >> (i % 8));
  return fmt::format("{}/{}", TRY(address_text(address)), TRY(address_text(mask)));
}

}  // namespace

Result<std::string> canonical_certificate_name(const std::string& name) {
  if (const ByteBuffer address = address_bytes(name); !address.empty())
    return address_text(address);
  if (is_dns_name(name)) return lower_case(name);
  return bad_name("a name is neither a DNS name (without wildcards) nor an IP address");
}

Result<GeneralNamesPtr> general_names(const std::vector<std::string>& names) {
  GeneralNamesPtr out(sk_GENERAL_NAME_new_null());
  if (!out) return names_refused();
  for (const std::string& text : names) {
    AlternativeName name = TRY(alternative_name(text));
    GeneralNamePtr entry(GENERAL_NAME_new());
    StringPtr value(
        ASN1_STRING_type_new(name.kind == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING));
    if (!entry || !value ||
        ASN1_STRING_set(value.get(), name.value.data(), static_cast<int>(name.value.size())) != 1)
      return names_refused();
    GENERAL_NAME_set0_value(entry.get(), name.kind, value.release());
    if (sk_GENERAL_NAME_push(out.get(), entry.get()) <= 0) return names_refused();
    (void)entry.release();  // now the list's
  }
  return out;
}

Result<std::vector<std::string>> texts_of(const GENERAL_NAMES* names, std::string_view what) {
  std::vector<std::string> out;
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names);
  if (static_cast<std::size_t>(count) > kCertificateNamesMax)
    return bad_name(
        fmt::format("{} has {} names, at most {} are taken", what, count, kCertificateNamesMax));
  for (int i = 0; i < count; ++i)
    out.push_back(TRY_IN(text_of(sk_GENERAL_NAME_value(names, i)), what));
  return out;
}

Result<std::string> name_constraints_text(const std::vector<std::string>& permitted) {
  std::string out = "critical";
  bool any_dns = false, any_address = false;
  if (permitted.size() > kCertificateNamesMax)
    return bad_name(fmt::format("{} permitted names, at most {} are taken", permitted.size(),
                                kCertificateNamesMax));
  for (const std::string& name : permitted) {
    if (const std::string range = TRY(address_range(name)); !range.empty()) {
      out += ",permitted;IP:" + range;
      any_address = true;
    } else if (is_dns_name(name)) {
      out += ",permitted;DNS:" + lower_case(name);
      any_dns = true;
    } else {
      return bad_name(
          "what is permitted is neither a DNS name (without wildcards) nor a range of "
          "addresses such as 10.0.0.0/8");
    }
  }
  // What no permitted name is of is otherwise not constrained at all (RFC 5280, 4.2.1.10).
  if (!any_dns) out += ",permitted;DNS:invalid";  // RFC 2606: nobody's
  if (!any_address) out += ",excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:::/::";
  return out;
}

}  // namespace penstock::crypto
