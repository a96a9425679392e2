"""Runs one of Nexmark's queries over a file of JSON lines in DuckDB, one thread, lines to lines.

usage: duckdb_query.py q0|q1|q2 IN OUT. Prints the process's CPU seconds for it. Exit 3: no DuckDB.
"""
import sys
import time

SELECTS = {
    "q0": "SELECT auction, bidder, price, dateTime, extra FROM bid",
    "q1": "SELECT auction, bidder, CAST(0.908 * price AS DECIMAL(23, 3)) AS price, dateTime, extra FROM bid",
    "q2": "SELECT auction, price FROM bid WHERE auction % 123 = 0",
}
BID = ("read_json('{}', format = 'newline_delimited', columns = {{auction: 'BIGINT', bidder: 'BIGINT', "
       "price: 'BIGINT', channel: 'VARCHAR', url: 'VARCHAR', dateTime: 'BIGINT', extra: 'VARCHAR'}})")


def main() -> int:
    query, source, sink = sys.argv[1:4]
    try:
        import duckdb
    except ImportError:
        return 3
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    started = time.process_time()
    select = SELECTS[query].replace("FROM bid", "FROM " + BID.format(source))
    connection.execute(f"COPY ({select}) TO '{sink}' (FORMAT json)")
    print(time.process_time() - started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
