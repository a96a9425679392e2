// Queries whose rows go to a client: POST /query, /query-stream, /close-query.
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "server/error_body.h"
#include "server/framing.h"
#include "server/limits.h"
#include "server/request_body.h"
#include "server/route.h"
#include "server/statement_guard.h"
#include "session/statement_text.h"

namespace penstock::server {
namespace {

using Clock = std::chrono::steady_clock;

bool is_print(std::string_view statement) {
  return session::canonical_text(statement).substr(0, 1).find_first_of("pP") == 0;
}

// EMIT CHANGES makes a push query; the plan knows, but the answer's shape is needed by text alone.
QueryKind kind_of(std::string_view statement) {
  std::string text = session::canonical_text(statement);
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text.find("EMIT CHANGES") != std::string::npos ? QueryKind::push : QueryKind::pull;
}

// Moves rows from the query to the client until one of them ends.
class RowPump {
 public:
  RowPump(engine::PushQuery& query, Framer& framer, bool notices, net::ResponseWriter& writer)
      : query_(query), framer_(framer), notices_(notices), writer_(writer) {}

  void run() {
    if (!write({framer_.head()})) return;
    for (;;) {
      auto rows = query_.next(kRowsPerWrite, Clock::now() + kPushPoll);
      std::vector<std::string> pieces;
      pieces.reserve(rows.rows.size() + rows.json_rows.size() + 1);
      for (const auto& row : rows.rows) pieces.push_back(framer_.row(row));
      for (auto& row : rows.json_rows)
        if (std::string piece = framer_.json_row(std::move(row)); !piece.empty())
          pieces.push_back(std::move(piece));
      if (notices_ && rows.skipped.records() > std::exchange(told_, rows.skipped.records())) {
        pieces.push_back(framer_.notice(rows.skipped));
      }
      if (rows.done) pieces.push_back(last_piece(rows));
      if (pieces.empty() && Clock::now() - written_ >= kKeepAlive) {
        pieces.push_back(framer_.keep_alive());
        written_ = Clock::now();
      }
      if (!write(pieces)) return;
      if (rows.done) break;
    }
    (void)writer_.finish();
  }

 private:
  // false: nobody listens any more; the answer is given up.
  bool write(const std::vector<std::string>& pieces) {
    if (pieces.empty()) return writer_.ending() != net::ResponseWriter::Ending::client_gone;
    written_ = Clock::now();
    if (writer_.write(pieces)) return true;
    query_.cancel();
    return false;
  }

  std::string last_piece(const engine::PushQuery::Rows& rows) const {
    if (!rows.error) return framer_.end(rows.limit_reached, rows.skipped);
    if (writer_.ending() == net::ResponseWriter::Ending::stopping) {
      return framer_.end(rest_error(RestCode::stopping, "The server is shutting down"));
    }
    if (rows.error->code() == ErrorCode::cancelled) {
      return framer_.end(false, rows.skipped);
    }
    return framer_.end(statement_error(*rows.error));
  }

  engine::PushQuery& query_;
  Framer& framer_;
  const bool notices_;
  std::uint64_t told_ = 0;  // records left out, as the client knows
  net::ResponseWriter& writer_;
  Clock::time_point written_ = Clock::now();
};

void stream(const RouteContext& context, const StatementRequest& request, Framing framing,
            bool notices, net::ResponseWriter& writer) {
  if (!gives_rows(request.text)) {
    return answer(
        writer, 400,
        statement_entity(rest_error(RestCode::bad_statement,
                                    "Expected a SELECT or PRINT statement; others go to the "
                                    "/ksql endpoint"),
                         request.text, OrderedJson::array()));
  }
  auto selected = context.session.select(request.text, request.properties,
                                         /*allow_sealed=*/!context.keys_loaded);
  if (!selected) {
    const RestError error = statement_error(selected.error());
    return answer(writer, error.status,
                  statement_entity(error, request.text, OrderedJson::array()));
  }
  engine::PushQuery& query = *selected->query;
  if (auto begun = writer.begin(200, content_type(framing)); !begun) {
    if (begun.error().code() == ErrorCode::busy) {
      answer(writer, rest_error(RestCode::too_many_requests, begun.error().text()));
    }
    return;
  }
  writer.on_ending([&query] { query.cancel(); });
  (void)query.give_json();
  Framer framer(framing, kind_of(request.text), selected->query_id, query.schema());
  RowPump(query, framer, notices, writer).run();
  writer.on_ending([] {});  // the query ends before the writer does
}

void run_query(const RouteContext& context, const net::HttpRequest& request,
               net::ResponseWriter& writer, std::optional<Framing> framing,
               bool print_needs_delimited) {
  auto body = parse_statement_request(request.body);
  if (!body) return answer(writer, rest_error(body.error()));
  if (!framing) {
    return answer(writer, rest_error(RestCode::not_acceptable,
                                     fmt::format("Accept: expected {}, {} or {}", kDelimitedType,
                                                 kJsonType, kV1Type)));
  }
  if (is_print(body->text)) {
    if (print_needs_delimited && framing != Framing::delimited) {
      return answer(writer, rest_error(RestCode::not_acceptable,
                                       fmt::format("PRINT needs Accept: {}", kDelimitedType)));
    }
    framing = Framing::text;
  }
  stream(context, *body, *framing, request.field(kNoticesField) == kSkippedNotices, writer);
}

}  // namespace

void run_query(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  run_query(context, call.request, writer, framing_for_query(call.request.field("Accept")), false);
}

void run_query_stream(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  run_query(context, call.request, writer, framing_for_query_stream(call.request.field("Accept")),
            true);
}

void close_query(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  auto id = parse_close_request(call.request.body);
  if (!id) return answer(writer, rest_error(id.error()));
  if (!context.session.push_queries().end(*id)) {
    return answer(writer,
                  rest_error(RestCode::bad_request, fmt::format("No query with id {}", *id)));
  }
  (void)writer.send(200, net::HttpFields{}, "");
}

void refuse_inserts_stream(const RouteContext&, const Call&, net::ResponseWriter& writer) {
  answer(writer,
         rest_error(RestCode::http2_only,
                    "The /inserts-stream endpoint is only available using HTTP2, which this "
                    "version does not speak. Use INSERT INTO ... VALUES."));
}

}  // namespace penstock::server
