#include "cli/advice.h"

#include "cli/command.h"

namespace penstock::cli {

std::string_view advice_for(const Error& error) {
  switch (error.code()) {
    case ErrorCode::busy:
      return "One process owns a data folder. Stop it, or work through it: `penstock sql`, "
             "`produce` "
             "and `consume` do so by themselves.";
    case ErrorCode::out_of_space:
      return "Nothing that was committed is lost. Free some space on that disk, then go on.";
    case ErrorCode::corrupt:
      return "`penstock repair --data DIR` says what is damaged; it changes nothing unless you add "
             "--apply.";
    case ErrorCode::internal:
      return "This is a mistake in Penstock. Please report it with the command that you used.";
    default:
      return "";
  }
}

std::string_view Command::advice(const Error& error) const {
  return advice_for(error);
}

}  // namespace penstock::cli
