// Aggregates whose state is a few numbers: COUNT, SUM, AVG, MIN and MAX of numbers, STDDEV_SAMP,
// CORRELATION, SUM_LIST.
#pragma once

#include "sql/aggregate.h"

namespace penstock::engine::functions {

using MadeAggregate = Result<std::unique_ptr<sql::Aggregate>>;

MadeAggregate make_count(const sql::AggregateCall& call);
MadeAggregate make_sum(const sql::AggregateCall& call);
MadeAggregate make_average(const sql::AggregateCall& call);
MadeAggregate make_deviation(const sql::AggregateCall& call);  // STDDEV_SAMP
MadeAggregate make_variance(const sql::AggregateCall& call);   // STDDEV_SAMPLE: without the root
MadeAggregate make_correlation(const sql::AggregateCall& call);
MadeAggregate make_distinct_count(const sql::AggregateCall& call);  // aggregate_distinct.cc
MadeAggregate make_sum_of_lists(const sql::AggregateCall& call);

}  // namespace penstock::engine::functions
