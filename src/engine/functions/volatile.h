// Kernels that give another result at every call.
#pragma once

#include "sql/function.h"

namespace penstock::engine::functions {

void random_number(const sql::KernelCall& call);  // DOUBLE, at least 0 and below 1
void random_uuid(const sql::KernelCall& call);    // STRING
void now_in_ms(const sql::KernelCall& call);      // BIGINT, milliseconds since 1970
void today(const sql::KernelCall& call);          // INTEGER, days since 1970-01-01

}  // namespace penstock::engine::functions
