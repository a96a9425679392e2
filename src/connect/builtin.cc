#include "connect/builtin.h"

#include <array>

#include "connect/mqtt/connector.h"

namespace penstock::connect {
namespace {

class Builtin final : public engine::ConnectorCatalogue {
 public:
  std::span<const engine::ConnectorKind> all() const override { return kinds_; }

 private:
  const std::array<engine::ConnectorKind, 1> kinds_ = {
      mqtt::connector_kind(),
  };
};

}  // namespace

const engine::ConnectorCatalogue& builtin_connectors() {
  static const Builtin kAll;
  return kAll;
}

}  // namespace penstock::connect
