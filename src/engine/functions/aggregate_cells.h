// Aggregates that keep cells: the earliest and latest, the greatest and least, lists and sets.
#pragma once

#include "sql/aggregate.h"

namespace penstock::engine::functions {

using MadeAggregate = Result<std::unique_ptr<sql::Aggregate>>;

MadeAggregate make_least(const sql::AggregateCall& call);
MadeAggregate make_greatest(const sql::AggregateCall& call);
MadeAggregate make_earliest(const sql::AggregateCall& call);
MadeAggregate make_latest(const sql::AggregateCall& call);
MadeAggregate make_list(const sql::AggregateCall& call);  // COLLECT_LIST
MadeAggregate make_set(const sql::AggregateCall& call);   // COLLECT_SET
MadeAggregate make_histogram(const sql::AggregateCall& call);
MadeAggregate make_attribute(const sql::AggregateCall& call);
MadeAggregate make_top(const sql::AggregateCall& call);           // TOPK
MadeAggregate make_top_distinct(const sql::AggregateCall& call);  // TOPKDISTINCT

}  // namespace penstock::engine::functions
