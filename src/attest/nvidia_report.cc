#include "attest/nvidia_report.h"

#include <fmt/format.h>

#include "attest/rule_book.h"

namespace penstock::attest {
namespace {

constexpr std::size_t kRequestBytes = 37, kSignatureBytes384 = 96, kReportBytesMax = 64 << 10;

std::unexpected<Error> bad_gpu(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("GPU report: {}", problem));
}

Result<> read_measurements(ByteView record, unsigned blocks, NvidiaReport& out) {
  for (unsigned i = 0; i < blocks; ++i) {
    if (record.size() < 4) return bad_gpu("a measurement is cut short");
    const std::size_t size = read_le(record, 2, 2);
    if (size > record.size() - 4) return bad_gpu("a measurement is cut short");
    ByteView value = record.subspan(4, size);
    // DMTF: a type and a size of its own in front.
    if (record[1] == 1) {
      if (size < 3 || read_le(value, 1, 2) != size - 3)
        return bad_gpu("the lengths of a measurement do not add up");
      value = value.subspan(3);
    }
    if (!out.measurements.emplace(record[0], to_buffer(value)).second)
      return bad_gpu("a measurement is there twice");
    record = record.subspan(4 + size);
  }
  if (!record.empty()) return bad_gpu("bytes behind the measurements");
  return {};
}

Result<> read_opaque(ByteView opaque, NvidiaReport& out) {
  while (!opaque.empty()) {
    if (opaque.size() < 4) return bad_gpu("the opaque data is cut short");
    const auto type = static_cast<std::uint16_t>(read_le(opaque, 0, 2));
    const std::size_t size = read_le(opaque, 2, 2);
    if (size > opaque.size() - 4) return bad_gpu("the opaque data is cut short");
    if (!out.opaque.emplace(type, to_buffer(opaque.subspan(4, size))).second)
      return bad_gpu("a part of the opaque data is there twice");
    opaque = opaque.subspan(4 + size);
  }
  return {};
}

}  // namespace

Result<NvidiaReport> parse_nvidia_report(ByteView bytes) {
  if (bytes.size() > kReportBytesMax || bytes.size() < kRequestBytes + 8 + 34 + kSignatureBytes384)
    return bad_gpu("a wrong length");
  if (bytes[0] != 0x11 || bytes[1] != 0xe0) return bad_gpu("not a request of SPDM 1.1");
  NvidiaReport out;
  out.nonce = to_buffer(bytes.subspan(4, 32));
  const ByteView response = bytes.subspan(kRequestBytes);
  if (response[0] != 0x11 || response[1] != 0x60) return bad_gpu("not a response of SPDM 1.1");
  const unsigned blocks = response[4];
  const std::size_t record = read_le(response, 5, 3);
  std::size_t at = 8;
  if (record > response.size() - at) return bad_gpu("the measurements are cut short");
  TRY(read_measurements(response.subspan(at, record), blocks, out));
  at += record;
  if (response.size() - at < 34) return bad_gpu("it is cut short");
  out.responder_nonce = to_buffer(response.subspan(at, 32));
  const std::size_t opaque = read_le(response, at + 32, 2);
  at += 34;
  if (opaque > response.size() - at || response.size() - at - opaque != kSignatureBytes384)
    return bad_gpu("the lengths do not add up");
  TRY(read_opaque(response.subspan(at, opaque), out));
  out.signed_part = to_buffer(bytes.first(bytes.size() - kSignatureBytes384));
  out.signature = to_buffer(bytes.last(kSignatureBytes384));
  return out;
}

}  // namespace penstock::attest
