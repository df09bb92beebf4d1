#include <charconv>

#include "services/ecr/images.h"
#include "services/ecr/registry/call.h"

namespace landfall::ecr::registry {
namespace {

constexpr std::size_t kPiece = 512 << 10;

struct Range {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};
enum class RangeKind { whole, part, unsatisfiable };

// One range of RFC 9110, section 14; several ranges or nonsense mean the whole blob, as the RFC
// allows.
RangeKind parse_range(std::string_view text, std::uint64_t size, Range& out) {
  if (!text.starts_with("bytes=")) return RangeKind::whole;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos)
    return RangeKind::whole;
  const auto number = [](std::string_view digits, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
  };
  std::uint64_t first = 0;
  std::uint64_t last = size - 1;
  if (dash == 0) {
    std::uint64_t suffix = 0;
    if (!number(text.substr(1), suffix)) return RangeKind::whole;
    if (suffix == 0) return RangeKind::unsatisfiable;
    first = suffix >= size ? 0 : size - suffix;
  } else {
    if (!number(text.substr(0, dash), first)) return RangeKind::whole;
    const bool open_ended = dash + 1 == text.size();
    if (!open_ended && (!number(text.substr(dash + 1), last) || last < first))
      return RangeKind::whole;
  }
  if (first >= size) return RangeKind::unsatisfiable;
  out = {first, std::min(last, size - 1) - first + 1};
  return RangeKind::part;
}

task<void> stream(Call& call, io::Fd file, Range range, http::Response head) {
  head.headers.add("Content-Length", std::to_string(range.count));
  if (!co_await call.out.start(std::move(head))) co_return;
  while (range.count > 0) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(range.count, kPiece));
    auto piece = co_await call.ecr.blobs.read_at(file, range.first, most);
    // An answer that ends early is cut, which clients see and retry.
    if (!piece || piece->empty()) co_return;
    if (!co_await call.out.write(*piece)) co_return;
    range.first += piece->size();
    range.count -= piece->size();
  }
  (void)co_await call.out.finish();
}

task<void> send_blob(Call& call, host::Digest digest) {
  auto file = call.ecr.blobs.open_blob(digest);
  const auto size = call.ecr.blobs.size(digest);
  if (!file || !size) {
    (void)co_await call.out.send(
        oci_error(404, "BLOB_UNKNOWN", fmt::format("There is no blob {}.", digest.str())));
    co_return;
  }
  http::Response head;
  head.headers.add("Content-Type", "application/octet-stream");
  head.headers.add("Docker-Content-Digest", digest.str());
  head.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  head.headers.add("Accept-Ranges", "bytes");
  head.headers.add("ETag", fmt::format("\"{}\"", digest.str()));
  if (call.request.method == "HEAD") {
    head.headers.add("Content-Length", std::to_string(*size));
    (void)co_await call.out.send(std::move(head));
    co_return;
  }
  Range range{0, *size};
  switch (parse_range(call.request.headers.get("Range"), *size, range)) {
    case RangeKind::unsatisfiable: {
      http::Response refused = oci_error(416, "SIZE_INVALID", "The range is not within the blob.");
      refused.headers.add("Content-Range", fmt::format("bytes */{}", *size));
      (void)co_await call.out.send(std::move(refused));
      co_return;
    }
    case RangeKind::part:
      head.status = 206;
      head.headers.add("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                    range.first + range.count - 1, *size));
      break;
    case RangeKind::whole:
      break;
  }
  co_await stream(call, std::move(*file), range, std::move(head));
}

}  // namespace

task<void> get_blob(Call& call) {
  const std::string_view action = call.request.method == "HEAD" ? "ecr:BatchCheckLayerAvailability"
                                                                : "ecr:GetDownloadUrlForLayer";
  auto repository = allowed(call, call.route.repository, action);
  if (!repository) {
    (void)co_await call.out.send(oci_error(repository.error()));
    co_return;
  }
  const auto digest = host::Digest::parse(call.route.reference);
  if (!digest) {
    (void)co_await call.out.send(oci_error(digest.error()));
    co_return;
  }
  if (!has_blob(call.ecr, *repository, *digest)) {
    (void)co_await call.out.send(
        oci_error(404, "BLOB_UNKNOWN", fmt::format("There is no blob {}.", digest->str())));
    co_return;
  }
  if (call.request.method == "HEAD") co_await keep_for_push(call.ecr, *repository, *digest);
  co_await send_blob(call, *digest);
}

// ECR does not take single layers away; they go when no image needs them.
task<http::Response> delete_blob(Call&) {
  co_return oci_error(405, "UNSUPPORTED", "Layers are removed when no image needs them any more.");
}

}  // namespace landfall::ecr::registry
