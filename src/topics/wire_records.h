// Records inside of frames: batches as on disk (batch_codec.h), with topic id and partition 0.
#pragma once

#include "topics/record.h"
#include "topics/wire.h"

namespace penstock::topics {

// With their offsets, which rise by one within each batch.
void encode_records(const ReadBuffer& records, WireOut& out);
void encode_records(const RecordBatch& records, WireOut& out);  // offsets from 0

// Adds them to the batch. corrupt: they are none.
Result<> decode_records(ByteView bytes, RecordBatch& batch);

// Takes the frame's payload over as the buffer's storage.
Result<> decode_records(ByteBuffer payload, ReadBuffer& buffer);

}  // namespace penstock::topics
