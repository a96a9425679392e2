// Who calls, and what a route wants of them.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::manager {

// What a caller may do. A role is a set of these.
enum class Permission : std::uint8_t {
  none,    // a route that anybody may call
  verify,  // evidence judged against an app's policy; releases nothing
  look,    // apps, approvals, names of secrets, the audit log
  change,  // approvals, policies, secrets, platforms, backups
  trust,   // what trust stands on: rotation of keys, acceptance of a service's loss
};

enum class Role : std::uint8_t {
  admin,  // has the admin token: looks and changes
  owner,  // signs with the owner's key: everything
};

constexpr bool may(Role role, Permission permission) {
  return permission != Permission::trust || role == Role::owner;
}

// Who logged in. One tenant so far; it is part of the identity so that it need not be added later.
struct Principal {
  std::string tenant = "default";
  std::string id;  // "admin", "owner": the actor of audit entries
  Role role = Role::admin;
};

}  // namespace penstock::manager
