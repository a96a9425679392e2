#include "attest/collateral.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "attest/intel_pki.h"
#include "attest/limits.h"

namespace penstock::attest {
namespace {

constexpr std::string_view kBundle = "collateral bundle";
constexpr std::int64_t kBundleVersion = 1;
constexpr std::size_t kBundleItemsMax = 1024;

CollateralItem item_of(std::string kind, const SignedCollateral& document, std::string about) {
  return {std::move(kind), std::move(about), document.issued_s, document.next_update_s,
          document.evaluation_number};
}

CollateralItem item_of(std::string kind, const crypto::Crl& crl) {
  return {std::move(kind), crl.issuer_text(), crl.this_update_s(),
          crl.next_update_s().value_or(crl.this_update_s()), crl.number().value_or(0)};
}

CollateralItem item_of(std::string kind, const std::vector<crypto::PkixCertificate>& chain) {
  CollateralItem out{std::move(kind), chain.front().subject_text(), chain.front().not_before_s(),
                     chain.front().not_after_s(), 0};
  for (const crypto::PkixCertificate& each : chain) {
    out.from_s = std::max(out.from_s, each.not_before_s());
    out.to_s = std::min(out.to_s, each.not_after_s());
  }
  return out;
}

// Of documents about the same, the one that holds longest.
template <typename T, typename Same>
std::shared_ptr<const T> newest(const std::vector<std::shared_ptr<const T>>& list, Same same) {
  std::shared_ptr<const T> out;
  for (const auto& each : list)
    if (same(*each) && (out == nullptr || each->document.issued_s > out->document.issued_s))
      out = each;
  return out;
}

}  // namespace

Result<> Collateral::take(const std::string& kind, const ByteBuffer& data) {
  if (kind == "tcb_info") {
    TcbInfo info = TRY(parse_tcb_info(data));
    remember(item_of(kind, info.document, fmt::format("{} {}", info.document.id, info.fmspc)));
    tcb_infos_.push_back(std::make_shared<const TcbInfo>(std::move(info)));
  } else if (kind == "qe_identity") {
    QeIdentity identity = TRY(parse_qe_identity(data));
    remember(item_of(kind, identity.document, identity.document.id));
    qe_identities_.push_back(std::make_shared<const QeIdentity>(std::move(identity)));
  } else if (kind == "tcb_signing_chain" || kind == "amd_chain") {
    auto chain = TRY(crypto::read_certificates(data));
    remember(item_of(kind, chain));
    std::ranges::move(chain, std::back_inserter(kind == "amd_chain" ? amd_chain_ : signing_chain_));
  } else if (kind == "root_ca_crl" || kind == "pck_crl" || kind == "amd_crl" || kind == "tpm_crl") {
    crypto::Crl crl = TRY(crypto::Crl::read(data));
    remember(item_of(kind, crl));
    (kind == "root_ca_crl" ? root_crls_
     : kind == "pck_crl"   ? pck_crls_
     : kind == "amd_crl"   ? amd_crls_
                           : tpm_crls_)
        .push_back(std::move(crl));
  } else {
    return fail(ErrorCode::invalid_argument, fmt::format("the kind '{}' is not known", kind));
  }
  return {};
}

Result<Collateral> Collateral::parse(std::string_view bundle) {
  const Json document = TRY(parse_json(bundle, kBundle, {.bytes_max = kCollateralBundleBytesMax}));
  if (!document.is_object() || document.size() != 2)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: expected penstock_collateral and items", kBundle));
  if (TRY(json_integer(document, kBundle, "penstock_collateral")) != kBundleVersion)
    return fail(ErrorCode::unsupported, fmt::format("{}: expected version 1", kBundle));
  const auto items = document.find("items");
  if (items == document.end() || !items->is_array() || items->size() > kBundleItemsMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: 'items' is not a list of at most {}", kBundle, kBundleItemsMax));
  Collateral out;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const Json& item = (*items)[i];
    const std::string where = fmt::format("{}: items[{}]", kBundle, i);
    const std::string kind = TRY(json_string(item, where, "kind"));
    const ByteBuffer data = TRY_IN(from_base64(TRY(json_string(item, where, "data"))), where);
    TRY_IN(out.take(kind, data), where);
  }
  return out;
}

std::vector<CollateralItem> Collateral::current() const {
  std::vector<CollateralItem> out;
  for (const CollateralItem& each : items_) {
    const auto same = std::ranges::find_if(out, [&](const CollateralItem& other) {
      return other.kind == each.kind && other.about == each.about;
    });
    if (same == out.end())
      out.push_back(each);
    else if (each.from_s > same->from_s)
      *same = each;
  }
  return out;
}

std::optional<std::int64_t> Collateral::expires_s() const {
  const std::vector<CollateralItem> items = current();
  const auto first = std::ranges::min_element(items, {}, &CollateralItem::to_s);
  if (first == items.end()) return std::nullopt;
  return first->to_s;
}

CollateralState Collateral::state(std::int64_t now_s, std::int64_t alarm_days) const {
  constexpr std::int64_t kDayS = 86'400;
  CollateralState out;
  for (const CollateralItem& item : current()) {
    out.oldest_age_s = std::max(out.oldest_age_s, now_s - item.from_s);
    out.ends_in_s = std::min(out.ends_in_s.value_or(item.to_s - now_s), item.to_s - now_s);
    if (now_s < item.from_s || now_s + alarm_days * kDayS > item.to_s) out.alarms.push_back(item);
  }
  return out;
}

Result<> Collateral::check_follows(const Collateral& before) const {
  const std::vector<CollateralItem> mine = current();
  for (const CollateralItem& old : before.current()) {
    const auto same = std::ranges::find_if(mine, [&](const CollateralItem& each) {
      return each.kind == old.kind && each.about == old.about;
    });
    if (same == mine.end())
      return fail(ErrorCode::failed_precondition,
                  fmt::format("{}: {} '{}' is missing, which is in force now; import into the "
                              "present bundle",
                              kBundle, old.kind, old.about));
    if (same->number < old.number)
      return fail(ErrorCode::failed_precondition,
                  fmt::format("{}: {} '{}' has the number {}, below the present {}: older "
                              "collateral would take a recovery back",
                              kBundle, old.kind, old.about, same->number, old.number));
  }
  return {};
}

void Collateral::complete(IntelFiles& files, bool tdx, std::string_view fmspc) const {
  const std::string_view id = tdx ? "TDX" : "SGX", qe = tdx ? "TD_QE" : "QE";
  if (!files.has_tcb_info)
    if (const auto info = newest(tcb_infos_, [&](const TcbInfo& each) {
          return each.document.id == id && each.fmspc == fmspc;
        })) {
      files.tcb_info = info;
      files.has_tcb_info = true;
    }
  if (!files.has_qe_identity)
    if (const auto identity = newest(
            qe_identities_, [&](const QeIdentity& each) { return each.document.id == qe; })) {
      files.qe_identity = identity;
      files.has_qe_identity = true;
    }
  if (!files.has_signing_chain && !signing_chain_.empty()) {
    files.signing_chain = signing_chain_;
    files.has_signing_chain = true;
  }
  if (!files.has_root_crl && !root_crls_.empty()) {
    files.root_crls = root_crls_;
    files.has_root_crl = true;
  }
  if (!files.has_pck_crl && !pck_crls_.empty()) {
    files.pck_crls = pck_crls_;
    files.has_pck_crl = true;
  }
}

}  // namespace penstock::attest
