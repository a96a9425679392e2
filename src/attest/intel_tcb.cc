#include "attest/intel_tcb.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::attest {
namespace {

bool reaches(const std::array<int, 16>& components, const std::array<int, 16>& level) {
  for (std::size_t i = 0; i < components.size(); ++i)
    if (components[i] < level[i]) return false;
  return true;
}

bool tdx_reaches(ByteView tee_tcb_svn, const std::array<int, 16>& level) {
  // With a module that has a version, bytes 0 and 1 are its own and are judged by its identity.
  const std::size_t first = tee_tcb_svn[1] > 0 ? 2 : 0;
  for (std::size_t i = first; i < level.size(); ++i)
    if (tee_tcb_svn[i] < level[i]) return false;
  return true;
}

bool is_configuration(TcbStatus status) {
  return status == TcbStatus::configuration_needed ||
         status == TcbStatus::configuration_and_sw_hardening_needed;
}

}  // namespace

const PlatformLevel* platform_level(const TcbInfo& info, const PckFacts& pck,
                                    ByteView tee_tcb_svn) {
  for (const PlatformLevel& level : info.levels)
    if (reaches(pck.components, level.sgx) && pck.pcesvn >= level.pcesvn &&
        (tee_tcb_svn.empty() || tdx_reaches(tee_tcb_svn, level.tdx)))
      return &level;
  return nullptr;
}

const PlatformLevel* sgx_only_level(const TcbInfo& info, const PckFacts& pck) {
  return platform_level(info, pck, {});
}

const IsvLevel* isv_level(const std::vector<IsvLevel>& levels, int isvsvn) {
  const auto found =
      std::ranges::find_if(levels, [&](const IsvLevel& level) { return level.isvsvn <= isvsvn; });
  return found == levels.end() ? nullptr : &*found;
}

const TdxModuleIdentity* tdx_module(const TcbInfo& info, ByteView tee_tcb_svn) {
  if (tee_tcb_svn[1] == 0) return info.module ? &*info.module : nullptr;
  const std::string id = fmt::format("TDX_{:02X}", tee_tcb_svn[1]);
  const auto found = std::ranges::find(info.modules, id, &TdxModuleIdentity::id);
  return found == info.modules.end() ? nullptr : &*found;
}

TcbVerdict converge(const TcbParts& parts) {
  TcbVerdict out = parts.platform->verdict;
  bool revoked = out.status == TcbStatus::revoked, out_of_date = false;
  for (const IsvLevel* each : {parts.module, parts.qe}) {
    if (each == nullptr) continue;
    revoked = revoked || each->verdict.status == TcbStatus::revoked;
    out_of_date = out_of_date || each->verdict.status != TcbStatus::up_to_date;
    out.date_s = std::min(out.date_s, each->verdict.date_s);
    for (const std::string& advisory : each->verdict.advisories)
      if (std::ranges::find(out.advisories, advisory) == out.advisories.end())
        out.advisories.push_back(advisory);
  }
  if (revoked)
    out.status = TcbStatus::revoked;
  else if (out_of_date && is_configuration(out.status))
    out.status = TcbStatus::out_of_date_configuration_needed;
  else if (out_of_date &&
           (out.status == TcbStatus::up_to_date || out.status == TcbStatus::sw_hardening_needed))
    out.status = TcbStatus::out_of_date;
  return out;
}

bool relaunch_advised(const TcbInfo& info, const PckFacts& pck, const TcbParts& parts,
                      TcbStatus converged, ByteView tee_tcb_svn2) {
  if (tee_tcb_svn2.empty() || tee_tcb_svn2[1] == 0 || parts.qe == nullptr ||
      parts.module == nullptr || info.levels.empty())
    return false;
  const PlatformLevel* sgx = sgx_only_level(info, pck);
  const TdxModuleIdentity* module = tdx_module(info, tee_tcb_svn2);
  if (sgx == nullptr || module == nullptr || module->levels.empty()) return false;
  const TcbStatus platform = sgx->verdict.status;
  const bool sgx_fine = platform == TcbStatus::up_to_date ||
                        platform == TcbStatus::sw_hardening_needed || is_configuration(platform);
  return parts.qe->verdict.status == TcbStatus::up_to_date && sgx_fine &&
         (converged == TcbStatus::out_of_date ||
          converged == TcbStatus::out_of_date_configuration_needed) &&
         parts.module->verdict.status == TcbStatus::out_of_date &&
         tee_tcb_svn2[0] >= module->levels.front().isvsvn &&
         tee_tcb_svn2[2] >= info.levels.front().tdx[2];
}

}  // namespace penstock::attest
