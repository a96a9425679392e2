// Where a verifier writes its rules down. Private to attest.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "attest/facts.h"
#include "attest/outcome.h"
#include "attest/rfc3339.h"
#include "attest/verifier.h"

namespace penstock::attest {

struct EvidenceFiles;

class RuleBook {
 public:
  RuleBook(Appraisal& appraisal, const JudgeContext& context)
      : appraisal_(appraisal), context_(context) {}

  const JudgeContext& context() const { return context_; }
  Ask ask() const { return context_.expected.ask; }
  // Whether rules about status, debug and what runs are asked at all.
  bool judging() const { return ask() == Ask::verdict; }
  Claims& claims() { return appraisal_.claims; }
  std::int64_t now_s() const { return context_.expected.now_s; }

  bool check(bool holds, RuleText text);
  // A rule that needs a role which is not there.
  void absent(std::string_view name, std::string_view code,
              std::initializer_list<std::string_view> roles);
  // Something that was to be read; gives what was read, or nullopt with the rule failed.
  template <typename T>
  std::optional<T> read(std::string_view what, Result<T> result) {
    if (result) return std::move(*result);
    unreadable(what, result.error());
    return std::nullopt;
  }
  void unreadable(std::string_view what, const Error& error);

  // The rules chain, root, algorithm and validity of a chain; `prefix` goes before their names.
  // False when any of the time-free ones failed.
  bool chain(std::string_view prefix, const crypto::Chain& chain);
  // The window of signed collateral: collateral-expired, or waived within the policy's grace.
  void window(std::string_view name, std::int64_t from_s, std::optional<std::int64_t> to_s);
  // The evidence's own nonce field.
  void nonce(ByteView seen);
  // Report data of the session, or any where the evidence is unbound; nonce where one is given.
  void report_data(ByteView seen);
  void config(ByteView seen);
  void debug(bool debug);

 private:
  Appraisal& appraisal_;
  const JudgeContext& context_;
};

// Builds a chain, or takes it out of the cache.
std::shared_ptr<const crypto::Chain> chain_of(const JudgeContext& context,
                                              const crypto::PkixCertificate& leaf,
                                              std::span<const crypto::PkixCertificate> candidates,
                                              Pki pki, const crypto::ChainRules& rules);

// What `read` makes of those bytes, or what is kept of it. What cannot be read is not kept.
template <typename T, typename Read>
Result<std::shared_ptr<const T>> read_once(const JudgeContext& context, ByteView bytes, Read read) {
  // What a fact holds in memory is some multiple of what it was read from.
  constexpr std::size_t kMemoryPerByte = 4;
  crypto::Sha256Digest content;
  if (context.facts != nullptr) {
    content = crypto::sha256(bytes);
    if (auto known = context.facts->find<T>(content)) return known;
  }
  T value = TRY(read(bytes));
  auto out = std::make_shared<const T>(std::move(value));
  if (context.facts != nullptr)
    context.facts->put<T>(content, out, sizeof(T) + kMemoryPerByte * bytes.size());
  return out;
}

// crypto::read_certificates, PkixCertificate::from_der and Crl::read, once for the same bytes.
Result<std::vector<crypto::PkixCertificate>> certificates_of(const JudgeContext& context,
                                                             ByteView bundle);
Result<crypto::PkixCertificate> certificate_of(const JudgeContext& context, ByteView der);
Result<crypto::Crl> crl_of(const JudgeContext& context, ByteView file);
// The CRLs of a role's files; malformed ones fail the rule "parse".
std::vector<crypto::Crl> read_crls(RuleBook& book, const EvidenceFiles& evidence,
                                   std::string_view role);

// Whether `check` says that this key signed what has that digest; asked once for each where facts
// are kept.
template <typename Check>
bool signed_once(const JudgeContext& context, SignedThing thing, const crypto::PublicKey& key,
                 const crypto::Sha256Digest& content, Check check) {
  if (context.facts == nullptr) return check();
  if (context.facts->knows_signature(thing, key, content)) return true;
  const bool good = check();
  if (good) context.facts->put_signature(thing, key, content);
  return good;
}

// A CRL among `crls` that the issuer of chain.certificates[i] made, its signature, window, and
// whether it lists the certificate: rules "<name>_signature", "<name>_window", "<name>".
void check_revocation(RuleBook& book, std::string_view name, const crypto::Chain& chain,
                      std::size_t i, std::span<const crypto::Crl> crls);

// How many of its certificates, from the leaf on, somebody above them has issued: all but the
// root's own. A root that is known by its key need not be there, and then it issued the last one.
std::size_t issued_certificates(const crypto::Chain& chain);

bool all_zero(ByteView bytes);

// Little- and big-endian reads; the caller has checked the bounds.
inline std::uint64_t read_le(ByteView bytes, std::size_t at, std::size_t size) {
  std::uint64_t out = 0;
  for (std::size_t i = size; i-- > 0;) out = out << 8 | bytes[at + i];
  return out;
}
inline std::uint64_t read_be(ByteView bytes, std::size_t at, std::size_t size) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < size; ++i) out = out << 8 | bytes[at + i];
  return out;
}

}  // namespace penstock::attest
