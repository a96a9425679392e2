// Intel's choice of TCB levels and how they converge. Pure arithmetic over parsed collateral.
#pragma once

#include "attest/dcap_quote.h"
#include "attest/intel_collateral.h"

namespace penstock::attest {

// The first level whose every part the platform reaches; null: none, the platform is not supported.
// tee_tcb_svn: empty for SGX.
const PlatformLevel* platform_level(const TcbInfo& info, const PckFacts& pck, ByteView tee_tcb_svn);
// Only the SGX parts: of the relaunch rule.
const PlatformLevel* sgx_only_level(const TcbInfo& info, const PckFacts& pck);
const IsvLevel* isv_level(const std::vector<IsvLevel>& levels, int isvsvn);

// The identity of the TDX module that byte 1 of TEE_TCB_SVN names; null: none for it.
const TdxModuleIdentity* tdx_module(const TcbInfo& info, ByteView tee_tcb_svn);

struct TcbParts {
  const PlatformLevel* platform = nullptr;
  const IsvLevel* qe = nullptr;
  const IsvLevel* module = nullptr;  // null where the module has no levels of its own (version 0)
};
// Platform, module and quoting enclave together: the worst counts, and never only the last.
TcbVerdict converge(const TcbParts& parts);

// Whether a TD that was launched under an older module may be launched again to be up to date.
bool relaunch_advised(const TcbInfo& info, const PckFacts& pck, const TcbParts& parts,
                      TcbStatus converged, ByteView tee_tcb_svn2);

}  // namespace penstock::attest
