// A penstockd over its REST interface.
#pragma once

#include <memory>
#include <string>

#include "cli/console/sql_target.h"
#include "net/http_client.h"

namespace penstock::cli {

class HttpTarget final : public SqlTarget {
 public:
  // unavailable: nobody answers there.
  static Result<std::unique_ptr<HttpTarget>> connect(const std::string& url);

  std::string name() const override { return "http://" + address_.text(); }
  Result<std::string> version() override;
  Answer execute(const std::string& script, const session::Properties& properties) override;
  Result<bool> select(const std::string& statement, const session::Properties& properties,
                      const Signals& signals, RowSink& rows) override;
  Result<bool> is_valid_property(const std::string& property) override;

 private:
  explicit HttpTarget(net::HttpAddress address) : address_(std::move(address)) {}
  net::HttpAddress address_;
};

}  // namespace penstock::cli
