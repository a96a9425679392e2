// The function list in parts, one per file.
#pragma once

#include <vector>

#include "sql/function.h"

namespace penstock::engine::functions {

using FunctionList = std::vector<sql::ScalarFunction>;

FunctionList arithmetic_operators();
FunctionList comparison_operators();
FunctionList like_operators();
FunctionList cast_operators();
FunctionList rounding_functions();   // ABS, CEIL, FLOOR, SIGN, ROUND, TRUNC
FunctionList analytic_functions();   // trigonometry, exponents, logarithms
FunctionList extremum_functions();   // GREATEST, LEAST
FunctionList null_functions();       // COALESCE, IFNULL, NULLIF, AS_VALUE
FunctionList joining_functions();    // CONCAT, CONCAT_WS, ||
FunctionList position_functions();   // SUBSTRING, LEN, LPAD, RPAD, INSTR
FunctionList rewriting_functions();  // REPLACE, TRIM, UCASE, LCASE, INITCAP
FunctionList choosing_functions();   // CHR, ELT, FIELD
FunctionList masking_functions();    // MASK...
FunctionList encoding_functions();   // ENCODE, TO_BYTES, FROM_BYTES, ..._FROM_BYTES, UUID
FunctionList time_functions();       // UNIX_DATE, UNIX_TIMESTAMP, FROM_UNIXTIME, FROM_DAYS
FunctionList url_functions();        // URL_...
FunctionList geo_functions();        // GEO_DISTANCE
FunctionList array_functions();      // ARRAY_..., SLICE, GENERATE_SERIES
FunctionList element_functions();    // subscripts, EXPLODE, CUBE_EXPLODE
FunctionList map_functions();        // AS_MAP, MAP_..., ENTRIES
FunctionList lambda_functions();     // FILTER, TRANSFORM, REDUCE
FunctionList json_functions();       // EXTRACTJSONFIELD, JSON_..., TO_JSON_STRING
FunctionList split_functions();      // SPLIT, SPLIT_TO_MAP, MD5
FunctionList regex_functions();      // REGEXP_...
FunctionList calendar_functions();   // DATEADD, FORMAT_..., PARSE_..., CONVERT_TZ
FunctionList aggregate_functions();  // signatures alone

}  // namespace penstock::engine::functions
