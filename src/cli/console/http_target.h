// A penstockd over its REST interface.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/console/sql_target.h"
#include "cli/console/statement_signer.h"
#include "cli/rest_login.h"
#include "net/http_client.h"

namespace penstock::cli {

struct HttpTargetOptions {
  RestAccount account = {};
  std::optional<StatementSigner> signer = std::nullopt;  // signs all but queries
  std::string service_id = {};  // that signatures are for; empty: as the server names itself
};

class HttpTarget final : public SqlTarget {
 public:
  // unavailable: nobody answers there; not_authentic: statements are to be signed for another
  // service than the one that answers.
  static Result<std::unique_ptr<HttpTarget>> connect(const std::string& url,
                                                     HttpTargetOptions options = {});

  std::string name() const override { return address_.url(); }
  Result<std::string> version() override;
  Answer execute(const std::string& script, const session::Properties& properties) override;
  Result<bool> select(const std::string& statement, const session::Properties& properties,
                      const Signals& signals, RowSink& rows) override;
  Result<bool> is_valid_property(const std::string& property) override;

 private:
  HttpTarget(net::HttpAddress address, HttpTargetOptions options)
      : address_(std::move(address)), options_(std::move(options)) {}
  Result<Json> info();
  Result<> choose_service(const Json& info);
  net::HttpClientOptions client_options() const;

  net::HttpAddress address_;
  HttpTargetOptions options_;
};

}  // namespace penstock::cli
