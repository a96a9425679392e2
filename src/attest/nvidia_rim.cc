#include "attest/nvidia_rim.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "attest/evidence.h"
#include "attest/xml.h"

namespace penstock::attest {
namespace {

constexpr std::string_view kSwid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
constexpr std::string_view kDsig = "http://www.w3.org/2000/09/xmldsig#";
constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
// Both are canonical_xml: they differ in xml:base and xml:id alone.
constexpr std::string_view kCanonical[] = {"http://www.w3.org/2006/12/xml-c14n11",
                                           "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"};
constexpr unsigned kIndexMax = 255;
constexpr std::size_t kAlternativesMax = 64;

struct HashName {
  std::string_view uri;
  crypto::Hash hash;
};
constexpr HashName kDigests[] = {
    {"http://www.w3.org/2001/04/xmlenc#sha256", crypto::Hash::sha256},
    {"http://www.w3.org/2001/04/xmldsig-more#sha384", crypto::Hash::sha384},
    {"http://www.w3.org/2001/04/xmlenc#sha512", crypto::Hash::sha512}};
struct SignatureName {
  std::string_view uri;
  crypto::SignatureForm form;
  crypto::Hash hash;
};
constexpr SignatureName kSignatures[] = {{"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
                                          crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha256},
                                         {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
                                          crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha384},
                                         {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
                                          crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha512},
                                         {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                                          crypto::SignatureForm::rsa_pkcs1, crypto::Hash::sha256},
                                         {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
                                          crypto::SignatureForm::rsa_pkcs1, crypto::Hash::sha384},
                                         {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
                                          crypto::SignatureForm::rsa_pkcs1, crypto::Hash::sha512}};

std::unexpected<Error> bad_rim(std::string_view problem,
                               ErrorCode code = ErrorCode::invalid_argument) {
  return fail(code, fmt::format("manifest: {}", problem));
}

Result<const XmlElement*> only(const XmlElement& of, std::string_view name) {
  const XmlElement* found = of.only(kDsig, name);
  if (found == nullptr) return bad_rim(fmt::format("not one element '{}' in its signature", name));
  return found;
}

Result<std::string_view> named_algorithm(const XmlElement& of, std::string_view name) {
  const XmlElement* found = TRY(only(of, name));
  const std::string* uri = found->attribute("", "Algorithm");
  if (uri == nullptr) return bad_rim(fmt::format("'{}' names no algorithm", name));
  return std::string_view(*uri);
}

Result<ByteBuffer> base64_of(const XmlElement& of) {
  std::string text = of.text();
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; });
  return from_base64(text);
}

bool is_canonical(std::string_view uri) {
  return std::ranges::find(kCanonical, uri) != std::end(kCanonical);
}

// The whole document but the signature, in one canonical form: nothing that a signature could be
// wrapped in.
Result<> read_reference(const XmlElement& info, const XmlElement& root, const XmlElement& signature,
                        NvidiaRim& out) {
  constexpr auto kOther = ErrorCode::unsupported;
  const XmlElement* reference = TRY(only(info, "Reference"));
  const std::string* uri = reference->attribute("", "URI");
  if (uri == nullptr || !uri->empty())
    return bad_rim("a signature over a part of the document", kOther);
  const XmlElement* transforms = TRY(only(*reference, "Transforms"));
  const auto each = transforms->all(kDsig, "Transform");
  if (each.empty() || each.size() > 2) return bad_rim("other transforms", kOther);
  for (std::size_t i = 0; i < each.size(); ++i) {
    const std::string* algorithm = each[i]->attribute("", "Algorithm");
    const bool taken =
        algorithm != nullptr && (i == 0 ? *algorithm == kEnveloped : is_canonical(*algorithm));
    if (!taken) return bad_rim("other transforms", kOther);
    for (const XmlNode& node : each[i]->children)
      if (node.element) return bad_rim("other transforms", kOther);
  }
  const std::string_view name = TRY(named_algorithm(*reference, "DigestMethod"));
  const auto hash = std::ranges::find(kDigests, name, &HashName::uri);
  if (hash == std::end(kDigests)) return bad_rim("a digest that is not SHA-2", kOther);
  const XmlElement* value = TRY(only(*reference, "DigestValue"));
  out.digest_said = TRY(base64_of(*value));
  out.digest_seen = crypto::digest(hash->hash, as_bytes(canonical_xml(root, &signature)));
  return {};
}

Result<> read_signature(const XmlElement& root, NvidiaRim& out) {
  constexpr auto kOther = ErrorCode::unsupported;
  const XmlElement* signature = TRY(only(root, "Signature"));
  const XmlElement* info = TRY(only(*signature, "SignedInfo"));
  const std::string_view form = TRY(named_algorithm(*info, "CanonicalizationMethod"));
  if (!is_canonical(form)) return bad_rim("another canonical form", kOther);
  const std::string_view method = TRY(named_algorithm(*info, "SignatureMethod"));
  const auto known = std::ranges::find(kSignatures, method, &SignatureName::uri);
  if (known == std::end(kSignatures)) return bad_rim("another signature method", kOther);
  out.form = known->form;
  out.hash = known->hash;
  TRY(read_reference(*info, root, *signature, out));
  out.signed_info = to_buffer(as_bytes(canonical_xml(*info)));
  const XmlElement* value = TRY(only(*signature, "SignatureValue"));
  out.signature = TRY(base64_of(*value));
  const XmlElement* key = TRY(only(*signature, "KeyInfo"));
  const XmlElement* data = TRY(only(*key, "X509Data"));
  for (const XmlElement* each : data->all(kDsig, "X509Certificate")) {
    if (out.certificates.size() == kCertificatesOfRimMax) return bad_rim("too many certificates");
    out.certificates.push_back(TRY(base64_of(*each)));
  }
  return {};
}

Result<unsigned> number_of(const XmlElement& element, std::string_view name, unsigned max) {
  const std::string* text = element.attribute("", name);
  unsigned out = 0;
  if (text == nullptr) return bad_rim(fmt::format("a measurement without '{}'", name));
  const auto read = std::from_chars(text->data(), text->data() + text->size(), out);
  if (read.ec != std::errc() || read.ptr != text->data() + text->size() || out > max)
    return bad_rim(fmt::format("'{}' of a measurement is not a number up to {}", name, max));
  return out;
}

Result<> read_measurement(const XmlElement& resource, NvidiaRim& out) {
  const std::string* type = resource.attribute("", "type");
  if (type == nullptr || *type != "Measurement") return {};
  const unsigned index = TRY(number_of(resource, "index", kIndexMax));
  const unsigned count = TRY(number_of(resource, "alternatives", kAlternativesMax));
  RimValue value;
  for (unsigned i = 0; i < count; ++i) {
    const std::string name = fmt::format("Hash{}", i);
    const auto found = std::ranges::find(resource.attributes, name, &XmlAttribute::name);
    if (found == resource.attributes.end())
      return bad_rim("a measurement with fewer values than it says");
    value.digests.push_back(TRY(from_hex(found->value)));
  }
  const std::string* active = resource.attribute("", "active");
  const bool on = active != nullptr && (*active == "True" || *active == "true");
  const bool off = active != nullptr && (*active == "False" || *active == "false");
  if (!on && !off) return bad_rim("a measurement that is neither active nor not");
  if (out.active.contains(index) || out.inactive.contains(index))
    return bad_rim("a measurement is there twice");
  (on ? out.active : out.inactive).emplace(index, std::move(value));
  return {};
}

std::string attribute_text(const XmlElement& element, std::string_view name) {
  const auto found = std::ranges::find(element.attributes, name, &XmlAttribute::name);
  return found == element.attributes.end() ? std::string() : found->value;
}

void rim_claims(Claims& claims, const NvidiaRim& rim) {
  claims["name"] = rim.name;
  claims["version"] = rim.version;
  claims["product"] = rim.product;
  claims["edition"] = rim.edition;
  Json values = Json::object();
  for (const auto& [index, value] : rim.active) {
    Json& list = values[std::to_string(index)] = Json::array();
    for (const ByteBuffer& digest : value.digests) list.push_back(to_hex(digest));
  }
  claims["measurements"] = std::move(values);
}

}  // namespace

Result<NvidiaRim> parse_nvidia_rim(ByteView bytes) {
  const auto root = TRY(parse_xml(as_text(bytes)));
  if (!root->is(kSwid, "SoftwareIdentity")) return bad_rim("not a SoftwareIdentity tag");
  NvidiaRim out;
  out.name = attribute_text(*root, "name");
  if (const XmlElement* meta = root->only(kSwid, "Meta")) {
    out.version = attribute_text(*meta, "colloquialVersion");
    out.product = attribute_text(*meta, "product");
    out.edition = attribute_text(*meta, "edition");
  }
  const XmlElement* payload = root->only(kSwid, "Payload");
  if (payload == nullptr) return bad_rim("not one Payload in it");
  for (const XmlElement* each : payload->all(kSwid, "Resource")) TRY(read_measurement(*each, out));
  TRY(read_signature(*root, out));
  return out;
}

bool check_nvidia_rim(RuleBook& book, const NvidiaRim& rim, std::string_view prefix) {
  const std::string name(prefix);
  const bool same = equal_constant_time(rim.digest_said, rim.digest_seen);
  bool good = book.check(same, {.name = name + "_digest",
                                .code = "signature",
                                .expected = to_hex(rim.digest_said),
                                .seen = to_hex(rim.digest_seen),
                                .advice = "the manifest was changed after it was signed"});
  std::vector<crypto::PkixCertificate> certificates;
  for (const ByteBuffer& each : rim.certificates) {
    auto read = book.read("certificate of the manifest", certificate_of(book.context(), each));
    if (!read) return false;
    certificates.push_back(std::move(*read));
  }
  const auto leaf =
      std::ranges::find_if(certificates, [](const auto& each) { return !each.is_ca(); });
  if (leaf == certificates.end()) {
    book.unreadable("manifest", {ErrorCode::invalid_argument, "no leaf among its certificates"});
    return false;
  }
  const auto chain = chain_of(
      book.context(), *leaf, certificates, Pki::nvidia_rim,
      {.algorithms = {{crypto::SignatureForm::ecdsa_der, crypto::Hash::sha384}}, .length_max = 6});
  good = book.chain(prefix, *chain) && good;
  const bool is_rsa = rim.form == crypto::SignatureForm::rsa_pkcs1;
  const bool fits =
      leaf->key() && leaf->may_sign() && (leaf->key()->kind() == crypto::KeyKind::rsa) == is_rsa;
  const bool holds =
      fits && leaf->key()->verify(rim.form, rim.hash, rim.signed_info, rim.signature);
  book.check(holds, {.name = name + "_signature",
                     .code = "signature",
                     .expected = "the leaf's signature over the canonical SignedInfo",
                     .seen = holds  ? "good"
                             : fits ? "another signature"
                                    : "a key that does not sign like this",
                     .advice = "the manifest was changed, or another key signed it"});
  book.absent(name + "_revocation", "no-crl", {"ocsp"});
  return good && holds;
}

Appraisal appraise_nvidia_rim(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  const ByteBuffer* file = evidence.file("evidence");
  if (file == nullptr) file = evidence.file("rim");
  if (file == nullptr) {
    book.absent("manifest", "parse", {"evidence"});
    return out;
  }
  const auto rim = parse_nvidia_rim(*file);
  if (!rim && rim.error().code() == ErrorCode::unsupported) {
    book.check(false, {.name = "manifest_algorithm",
                       .code = "algorithm",
                       .expected = "an enveloped signature over the whole document, with SHA-2",
                       .seen = rim.error().text(),
                       .advice = "NVIDIA does not sign like this"});
    return out;
  }
  if (!rim) {
    book.unreadable("manifest", rim.error());
    return out;
  }
  rim_claims(out.claims, *rim);
  check_nvidia_rim(book, *rim, "manifest");
  out.trust = Trust::hardware;
  return out;
}

}  // namespace penstock::attest
