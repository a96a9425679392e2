// Names of what the manager may release: "<app>/<kind>/<name>".
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::keys {

// Kinds that penstockd asks for; others are plain secrets.
inline constexpr std::string_view kPolicyKind = "policy";             // a signed seal policy (JSON)
inline constexpr std::string_view kReaderKeyKind = "reader-key";      // private JWK: opens
inline constexpr std::string_view kProducerKeyKind = "producer-key";  // private JWK: seals
inline constexpr std::string_view kStateKeyKind = "state-key";        // 32 bytes; name: the service
inline constexpr std::string_view kSecretKind = "secret";             // of connectors: as it is

struct ResourcePath {
  std::string app;   // the protocol's repository; "default" where the URI has none
  std::string kind;  // the protocol's type
  std::string name;  // the protocol's tag
  std::string text() const { return app + "/" + kind + "/" + name; }

  // "app/kind/name", or "/kind/name" and "//kind/name"... with an empty repository. Segments:
  // [A-Za-z0-9_-][A-Za-z0-9_.-]*, at most kSegmentBytesMax. invalid_argument.
  static Result<ResourcePath> parse(std::string_view text);
  friend bool operator==(const ResourcePath&, const ResourcePath&) = default;
};

}  // namespace penstock::keys
