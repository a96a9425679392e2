// Which files the store trusts: the fingerprint of each stands in its table `meta`, under the
// store's keyed root, and changes by a rotation alone.
#pragma once

#include <map>
#include <string>

#include "manager/database.h"
#include "manager/owner_files.h"

namespace penstock::manager {

// By the name of the row: "trust.admin_token" ... Hex. The owner's key is not among them.
std::map<std::string, std::string> fingerprints_of(const OwnerFiles& files);
std::string admin_token_fingerprint(ByteView token);  // without its line end
std::string key_fingerprint(const crypto::P256PublicKey& key);

// At the first start: writes down what is there.
Result<> remember_files(Database& database, const OwnerFiles& files);
// At each other one. A rotation that was interrupted is finished. permission_denied: a file is not
// the one that the store knows; names it.
Result<> check_files(Database& database, OwnerFiles& files);

Result<std::string> read_meta(Database& database, std::string_view name);  // not_found
Result<> write_meta(Database& database, std::string_view name, std::string_view value);
Result<> remove_meta(Database& database, std::string_view name);

inline constexpr std::string_view kServicesRootRow = "services_root";  // store_root.h
inline constexpr std::string_view kOwnerKeyRow = "owner_key";          // PEM of its public part
inline constexpr std::string_view kOwnerKeyBeforeRow = "owner_key_before";
inline constexpr std::string_view kAdminTokenRow = "trust.admin_token";
inline constexpr std::string_view kTokenKeyRow = "trust.token_key";
// Of a CA: the fingerprint of the present certificate, and of the one that is announced.
std::string_view ca_row(CaKind kind);
std::string_view next_ca_row(CaKind kind);
// Pin of the key of the manager's CA before the last switch: the owner's signatures may name it.
inline constexpr std::string_view kCaPinBeforeRow = "ca_pin_before";

}  // namespace penstock::manager
