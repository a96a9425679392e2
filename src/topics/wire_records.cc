#include "topics/wire_records.h"

#include "base/check.h"
#include "topics/batch_codec.h"

namespace penstock::topics {
namespace {

void encode_run(const RecordBatch& records, Offset base, WireOut& out) {
  EncodedBatches encoded;
  encoded.append(records, 0, 0);
  ByteSpan bytes = encoded.bytes();
  for (std::size_t at = 0; at < bytes.size();) {
    BatchHeader header = place_batch(bytes.subspan(at), base, 0);
    base = header.end();
    at += header.bytes();
  }
  out.raw(bytes);
}

Result<std::vector<BatchView>> views_in(ByteView bytes) {
  std::vector<BatchView> views;
  while (!bytes.empty()) {
    auto header = TRY(parse_batch_header(bytes));
    if (header.bytes() > bytes.size())
      return fail(ErrorCode::corrupt, "a record batch reaches past the end of its message");
    ByteView batch = bytes.first(header.bytes());
    views.push_back(TRY(view_batch(header, batch)));
    bytes = bytes.subspan(header.bytes());
  }
  return views;
}

void fill(const std::vector<BatchView>& views, ReadBuffer& buffer) {
  std::size_t rows = 0, at = 0;
  for (const BatchView& view : views) rows += view.header.count;
  resize_rows(buffer, rows);
  for (const BatchView& view : views) {
    fill_rows(view, 0, view.header.count, buffer, at);
    at += view.header.count;
  }
}

}  // namespace

void encode_records(const ReadBuffer& records, WireOut& out) {
  RecordBatch run;
  for (std::size_t row = 0; row < records.size(); ++row) {
    run.append(records[row]);
    bool last = row + 1 == records.size() || records.offsets[row + 1] != records.offsets[row] + 1;
    if (!last) continue;
    encode_run(run, records.offsets[row] + 1 - static_cast<Offset>(run.size()), out);
    run.clear();
  }
}

void encode_records(const RecordBatch& records, WireOut& out) {
  encode_run(records, 0, out);
}

Result<> decode_records(ByteView bytes, RecordBatch& batch) {
  ReadBuffer rows;
  fill(TRY(views_in(bytes)), rows);
  for (std::size_t row = 0; row < rows.size(); ++row) batch.append(rows[row]);
  return {};
}

Result<> decode_records(ByteBuffer payload, ReadBuffer& buffer) {
  buffer.clear();  // its views point into the storage that goes
  std::size_t bytes = payload.size();
  payload.resize(bytes + kReadPadding);
  buffer.storage = std::move(payload);
  fill(TRY(views_in(ByteView(buffer.storage).first(bytes))), buffer);
  return {};
}

}  // namespace penstock::topics
