// links: crypto base
// Any input either is refused or is exactly what the writer makes of what the reader read.
#include <cstdlib>

#include "crypto/cbor.h"

namespace {

using namespace penstock;
using namespace penstock::crypto;

template <typename T>
T sure(Result<T> result) {
  if (!result) std::abort();
  return std::move(result).value();
}

void copy_item(CborReader& reader, CborWriter& writer) {
  switch (reader.next_type()) {
    case CborType::unsigned_integer:
      return writer.unsigned_integer(sure(reader.unsigned_integer()));
    case CborType::negative_integer:
      return writer.integer(sure(reader.integer()));
    case CborType::bytes:
      return writer.bytes(sure(reader.bytes()));
    case CborType::text:
      return writer.text(sure(reader.text()));
    case CborType::boolean:
      return writer.boolean(sure(reader.boolean()));
    case CborType::real:
      return writer.real(sure(reader.real()));
    case CborType::null:
      if (!reader.take_null()) std::abort();
      return writer.null();
    case CborType::tag:
      writer.tag(sure(reader.tag()));
      return copy_item(reader, writer);
    case CborType::array: {
      std::size_t items = sure(reader.array());
      writer.array(items);
      for (std::size_t i = 0; i < items; ++i) copy_item(reader, writer);
      return;
    }
    case CborType::map: {
      std::size_t entries = sure(reader.map());
      writer.map(entries);
      for (std::size_t i = 0; i < 2 * entries; ++i) copy_item(reader, writer);
      return;
    }
    case CborType::end:
      std::abort();
  }
}

void check(ByteView input) {
  auto reader = CborReader::over(input, "fuzz");
  if (!reader) return;
  CborReader whole = *reader;
  if (whole.item().size() != input.size()) std::abort();
  ByteBuffer copy;
  CborWriter writer(copy);
  copy_item(*reader, writer);
  if (copy != to_buffer(input)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  check(input);
  if (auto decoded = from_hex(as_text(input))) check(*decoded);  // the seeds are hex text
  return 0;
}
