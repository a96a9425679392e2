#include "cli/http_error.h"

namespace penstock::cli {

ErrorCode code_of_status(int status) {
  switch (status) {
    case 401:
      return ErrorCode::unauthenticated;
    case 403:
      return ErrorCode::permission_denied;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return ErrorCode::failed_precondition;
    case 413:
    case 429:
      return ErrorCode::limit_exceeded;
    case 422:
      return ErrorCode::not_authentic;
    case 503:
      return ErrorCode::unavailable;
    case 504:
      return ErrorCode::timeout;
    case 507:
      return ErrorCode::out_of_space;
    default:
      return status < 500 ? ErrorCode::invalid_argument : ErrorCode::io;
  }
}

}  // namespace penstock::cli
