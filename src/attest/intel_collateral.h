// Intel's signed collateral: TCB info (versions 2 and 3) and QE identity (version 2). Parsing, and
// the choice of levels.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/sha.h"

namespace penstock::attest {

enum class TcbStatus : std::uint8_t {
  up_to_date,
  sw_hardening_needed,
  configuration_needed,
  configuration_and_sw_hardening_needed,
  out_of_date,
  out_of_date_configuration_needed,
  td_relaunch_advised,
  td_relaunch_advised_configuration_needed,
  revoked,
};
std::string_view to_text(TcbStatus status);  // "UpToDate"
std::optional<TcbStatus> tcb_status_named(std::string_view name);

// What a level says once it matches.
struct TcbVerdict {
  TcbStatus status = TcbStatus::revoked;
  std::int64_t date_s = 0;
  std::vector<std::string> advisories;
};

struct PlatformLevel {
  std::array<int, 16> sgx{};
  std::array<int, 16> tdx{};  // of TDX's TCB info
  int pcesvn = 0;
  TcbVerdict verdict;
};
struct IsvLevel {
  int isvsvn = 0;
  TcbVerdict verdict;
};
struct TdxModuleIdentity {
  std::string id;  // "TDX_03"; "": the one of module version 0
  ByteBuffer mrsigner, attributes, attributes_mask;
  std::vector<IsvLevel> levels;  // descending
};

// A signed document: the exact bytes that are signed, and its window.
struct SignedCollateral {
  ByteBuffer body;
  ByteBuffer signature;            // raw r || s; or DER where signature_der
  crypto::Sha256Digest content{};  // of the body and the signature
  bool signature_der = false;
  std::string id;  // "SGX", "TDX", "QE", "TD_QE"
  int version = 0;
  std::int64_t issued_s = 0, next_update_s = 0;
  std::int64_t evaluation_number = 0;
};

struct TcbInfo {
  SignedCollateral document;
  std::string fmspc;                  // lower-case hex
  std::optional<std::string> pceid;   // older forms lack it
  std::vector<PlatformLevel> levels;  // descending
  std::optional<TdxModuleIdentity> module;
  std::vector<TdxModuleIdentity> modules;
};
struct QeIdentity {
  SignedCollateral document;
  std::uint32_t miscselect = 0, miscselect_mask = 0;
  ByteBuffer attributes, attributes_mask, mrsigner;
  int isvprodid = 0;
  std::vector<IsvLevel> levels;  // descending
};

// The response body of the collateral service: {"tcbInfo": {...}, "signature": hex}.
Result<TcbInfo> parse_tcb_info(ByteView json);
Result<QeIdentity> parse_qe_identity(ByteView json);

// {"raw_tcb_info": text, "signature": [bytes of DER], "ca_chain": [PEM, ...]}: how a cache keeps
// it.
struct WrappedTcbInfo {
  TcbInfo info;
  std::string chain;  // PEM
};
Result<WrappedTcbInfo> parse_wrapped_tcb_info(ByteView json);

}  // namespace penstock::attest
