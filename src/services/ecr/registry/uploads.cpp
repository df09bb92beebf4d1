#include <charconv>

#include "services/ecr/images.h"
#include "services/ecr/names.h"
#include "services/ecr/registry/call.h"

namespace landfall::ecr::registry {
namespace {

// Pieces are gathered to about this size: each append is a trip to the disk pool.
constexpr std::size_t kGather = 1 << 20;

http::Response progress(const Call& call, int status, const std::string& id, std::uint64_t size) {
  http::Response response{.status = status};
  response.headers.add("Location",
                       fmt::format("/v2/{}/blobs/uploads/{}", call.route.repository, id));
  response.headers.add("Range", fmt::format("0-{}", size == 0 ? 0 : size - 1));
  response.headers.add("Docker-Upload-UUID", id);
  response.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  return response;
}

http::Response created(const Call& call, const host::Digest& digest) {
  http::Response response{.status = 201};
  response.headers.add("Location",
                       fmt::format("/v2/{}/blobs/{}", call.route.repository, digest.str()));
  response.headers.add("Docker-Content-Digest", digest.str());
  response.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  return response;
}

// "100-199", as the distribution specification has it, or "bytes 100-199/*".
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_content_range(std::string_view text) {
  if (text.starts_with("bytes ") || text.starts_with("bytes=")) text.remove_prefix(6);
  text = text.substr(0, text.find('/'));
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  const auto a = std::from_chars(text.data(), text.data() + dash, first);
  const auto b = std::from_chars(text.data() + dash + 1, text.data() + text.size(), last);
  if (a.ec != std::errc() || a.ptr != text.data() + dash || b.ec != std::errc() ||
      b.ptr != text.data() + text.size() || last < first) {
    return {};
  }
  return std::pair(first, last);
}

// Appends the whole body. What arrived before a connection broke stays, so that the client can go
// on from there.
task<Result<std::uint64_t>> receive(Call& call, std::string id, std::uint64_t offset) {
  std::string gathered;
  while (true) {
    auto piece = co_await call.body.read();
    const bool end = !piece || piece->empty();
    if (piece) gathered.empty() ? gathered = std::move(*piece) : gathered += *piece;
    if (gathered.size() >= kGather || (end && !gathered.empty())) {
      auto size = co_await call.ecr.blobs.append(id, offset, std::exchange(gathered, {}));
      if (!size) {
        // Half a layer that cannot be finished would keep the disk full for everybody else.
        if (size.error().code == "disk-full") (void)call.ecr.blobs.abort(id);
        co_return std::unexpected(std::move(size).error());
      }
      offset = *size;
    }
    if (!piece) co_return std::unexpected(std::move(piece).error());
    if (end) co_return offset;
  }
}

task<Result<http::Response>> complete(Call& call, FoundRepository repository, std::string id) {
  LF_CO_TRY(digest, host::Digest::parse(call.parameter("digest")));
  LF_CO_TRY(pin, co_await call.ecr.blobs.finish(std::move(id), digest));
  LF_CO_OK(co_await link_blob(call.ecr, std::move(repository), pin));
  co_return created(call, digest);
}

task<Result<http::Response>> mount(Call& call, FoundRepository repository) {
  LF_CO_TRY(digest, host::Digest::parse(call.parameter("mount")));
  const std::string from(call.parameter("from"));
  // Who may not read the source does not get its blob: the upload then takes its ordinary course.
  LF_CO_TRY(source, allowed(call, from, "ecr:BatchCheckLayerAvailability"));
  LF_CO_OK(allowed(call, from, "ecr:GetDownloadUrlForLayer"));
  const host::BlobPin pin = call.ecr.blobs.pin(digest);
  if (!has_blob(call.ecr, source, digest))
    co_return fail("blob-unknown", "the source has no such blob", 404);
  LF_CO_OK(co_await link_blob(call.ecr, std::move(repository), pin));
  co_return created(call, digest);
}

}  // namespace

task<http::Response> start_upload(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:InitiateLayerUpload");
  if (!repository) co_return oci_error(repository.error());
  if (call.has_parameter("mount")) {
    auto mounted = co_await mount(call, *repository);
    if (mounted) co_return std::move(*mounted);
    if (mounted.error().code == "digest-invalid") co_return oci_error(mounted.error());
  }
  auto id = call.ecr.blobs.begin_upload();
  if (!id) co_return oci_error(id.error());
  if (!call.has_parameter("digest")) co_return progress(call, 202, *id, 0);
  // The whole blob in one request.
  auto received = co_await receive(call, *id, 0);
  auto done = received ? co_await complete(call, *repository, *id)
                       : Result<http::Response>(std::unexpected(std::move(received).error()));
  if (done) co_return std::move(*done);
  (void)call.ecr.blobs.abort(*id);
  co_return oci_error(done.error());
}

task<http::Response> upload_status(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:UploadLayerPart");
  if (!repository) co_return oci_error(repository.error());
  const auto size = call.ecr.blobs.upload_size(call.route.reference);
  if (!size) co_return oci_error(size.error());
  co_return progress(call, 204, call.route.reference, *size);
}

task<http::Response> append_upload(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:UploadLayerPart");
  if (!repository) co_return oci_error(repository.error());
  const std::string id = call.route.reference;
  auto offset = call.ecr.blobs.upload_size(id);
  if (!offset) co_return oci_error(offset.error());
  const std::string_view header = call.request.headers.get("Content-Range");
  if (!header.empty()) {
    const auto range = parse_content_range(header);
    const auto length = call.body.length();
    if (!range)
      co_return oci_error(400, "BLOB_UPLOAD_INVALID", "The Content-Range cannot be read.");
    if (length && *length != range->second - range->first + 1) {
      co_return oci_error(400, "SIZE_INVALID", "Content-Range and Content-Length disagree.");
    }
    if (range->first != *offset) {
      http::Response refused = oci_error(416, "BLOB_UPLOAD_INVALID",
                                         fmt::format("The upload continues at byte {}.", *offset));
      refused.headers.add("Range", fmt::format("0-{}", *offset == 0 ? 0 : *offset - 1));
      refused.headers.add("Location",
                          fmt::format("/v2/{}/blobs/uploads/{}", call.route.repository, id));
      co_return refused;
    }
  }
  auto size = co_await receive(call, id, *offset);
  if (!size) co_return oci_error(size.error());
  co_return progress(call, 202, id, *size);
}

task<http::Response> finish_upload(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:CompleteLayerUpload");
  if (!repository) co_return oci_error(repository.error());
  const std::string id = call.route.reference;
  if (const auto digest = host::Digest::parse(call.parameter("digest")); !digest)
    co_return oci_error(digest.error());
  auto offset = call.ecr.blobs.upload_size(id);
  if (!offset) co_return oci_error(offset.error());
  if (const std::string_view header = call.request.headers.get("Content-Range"); !header.empty()) {
    const auto range = parse_content_range(header);
    if (!range || range->first != *offset) {
      co_return oci_error(416, "BLOB_UPLOAD_INVALID",
                          fmt::format("The upload continues at byte {}.", *offset));
    }
  }
  if (auto received = co_await receive(call, id, *offset); !received)
    co_return oci_error(received.error());
  auto done = co_await complete(call, *repository, id);
  if (done) co_return std::move(*done);
  // What was sent is not what was meant: going on with it makes no sense.
  if (done.error().code == "digest-mismatch") (void)call.ecr.blobs.abort(id);
  co_return oci_error(done.error());
}

task<http::Response> cancel_upload(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:UploadLayerPart");
  if (!repository) co_return oci_error(repository.error());
  if (const auto size = call.ecr.blobs.upload_size(call.route.reference); !size)
    co_return oci_error(size.error());
  if (const auto gone = call.ecr.blobs.abort(call.route.reference); !gone)
    co_return oci_error(gone.error());
  co_return http::Response{.status = 204};
}

}  // namespace landfall::ecr::registry
