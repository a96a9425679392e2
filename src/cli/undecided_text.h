// What an open transaction holds back, in words.
#pragma once

#include <string>

#include "topics/log.h"

namespace penstock::cli {

// "12 offsets from 345 on wait behind an open transaction of producer 4001, which began …". What is
// not known is left out.
std::string undecided_text(const topics::Undecided& undecided);

// How to find out who that is, and to end it.
inline constexpr const char* kUndecidedAdvice =
    "they can be read once it is committed or aborted; kafka-transactions.sh tells whose it is "
    "(list, "
    "describe-producers) and can end it (abort)";

}  // namespace penstock::cli
