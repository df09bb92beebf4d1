#include "host/images/pull.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/record.h"
#include "host/images/manifest.h"
#include "io/process.h"

namespace landfall::host {
LF_RECORD(PulledImages::Record, images)
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kChunk = 4 << 20;

bool is_reference(std::string_view text) {
  return !text.empty() && text.size() <= 1024 &&
         std::isalnum(static_cast<unsigned char>(text[0])) &&
         std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) ||
                  std::string_view("-_./:@").find(char(c)) != std::string_view::npos;
         });
}

// skopeo's last line, without its time and level: time="..." level=fatal msg="..."
std::string last_words(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  const std::size_t line = text.rfind('\n');
  if (line != std::string::npos) text.erase(0, line + 1);
  if (const std::size_t at = text.find("msg=\""); at != std::string::npos) {
    text = text.substr(at + 5, text.rfind('"') - at - 5);
  }
  for (std::size_t at = 0; (at = text.find("\\\"", at)) != std::string::npos; ++at)
    text.erase(at, 1);
  return text;
}

Error pull_error(const std::string& source, const std::string& said) {
  const auto says = [&](std::string_view what) { return said.find(what) != std::string::npos; };
  const std::string name = source.starts_with("docker://") ? source.substr(9) : source;
  if (says("no such host") || says("dial tcp") || says("connection refused") ||
      says("i/o timeout") || says("network is unreachable") || says("TLS handshake timeout")) {
    return {"registry-unreachable",
            fmt::format("the registry of '{}' cannot be reached ({}). Without a network, push the "
                        "image to a repository of this registry (aws ecr create-repository, then "
                        "docker push) and use that name",
                        name, said),
            503};
  }
  if (says("no image found in manifest list") || says("no image found in image index")) {
    return {"architecture-mismatch", fmt::format("the image '{}' has no variant for linux/{}", name,
                                                 machine_architecture())};
  }
  if (says("manifest unknown") || says("name unknown") || says("not found") ||
      says("no such file or directory")) {
    return {"image-not-found", fmt::format("there is no image '{}' ({})", name, said), 404};
  }
  if (says("unauthorized") || says("denied") || says("authentication required")) {
    return {"access-denied", fmt::format("the registry refuses access to '{}' ({})", name, said),
            403};
  }
  if (says("no space left on device")) return {"disk-full", "the disk is full", 507};
  return {"pull-failed", fmt::format("pulling '{}' failed: {}", name, said), 500};
}

task<Result<BlobPin>> import_blob(io::Loop& loop, BlobStore& blobs, fs::path file, Digest digest) {
  BlobPin pin = blobs.pin(digest);
  if (blobs.size(digest)) co_return pin;
  const io::Fd from(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from) co_return fail_errno("open " + file.string(), errno);
  LF_CO_TRY(upload, blobs.begin_upload());
  std::uint64_t offset = 0;
  for (;;) {
    std::string chunk = co_await loop.run_blocking([fd = from.get(), offset] {
      std::string bytes(kChunk, '\0');
      const ssize_t count = ::pread(fd, bytes.data(), bytes.size(), off_t(offset));
      bytes.resize(count > 0 ? std::size_t(count) : 0);
      return bytes;
    });
    if (chunk.empty()) break;
    auto size = co_await blobs.append(upload, offset, std::move(chunk));
    if (!size) {
      [[maybe_unused]] const auto gone = blobs.abort(upload);
      co_return std::unexpected(std::move(size).error());
    }
    offset = *size;
  }
  auto done = co_await blobs.finish(upload, digest);
  if (!done) {
    [[maybe_unused]] const auto gone = blobs.abort(upload);
  }
  co_return done;
}

// `folder` as skopeo's "dir:" leaves it: manifest.json, and blobs named by their digests.
task<Result<PulledImage>> import_folder(io::Loop& loop, BlobStore& blobs, fs::path folder) {
  LF_CO_TRY(bytes, io::read_file(folder / "manifest.json", 8 << 20));
  LF_CO_TRY(manifest, parse_manifest(bytes));
  if (!manifest.image) co_return fail("image-invalid", "the registry gave an index", 500);
  PulledImage out{Digest::of(bytes), {}};
  std::vector<Digest> wanted = {manifest.image->config};
  for (const LayerReference& layer : manifest.image->layers) wanted.push_back(layer.digest);
  for (const Digest& digest : wanted) {
    LF_CO_TRY(pin, co_await import_blob(loop, blobs, folder / digest.hex(), digest));
    out.blobs.push_back(pin);
  }
  // The manifest last: where it is, the rest is too.
  LF_CO_TRY(pin, co_await blobs.put(std::move(bytes)));
  out.blobs.insert(out.blobs.begin(), pin);
  co_return out;
}

}  // namespace

task<Result<PulledImage>> import_image(io::Loop& loop, BlobStore& blobs, fs::path scratch,
                                       std::string source, Millis timeout) {
  LF_CO_OK(io::make_directories(scratch, 0700));
  io::Command command;
  command.argv = {"skopeo",
                  "--override-os",
                  "linux",
                  "--override-arch",
                  machine_architecture(),
                  "copy",
                  "--quiet",
                  "--preserve-digests",
                  source,
                  "dir:" + scratch.string()};
  command.timeout = timeout;
  auto done = co_await io::run_command(loop, std::move(command));
  Result<PulledImage> out = fail("pull-failed", "not run", 500);
  if (!done) {
    out = std::unexpected(std::move(done).error());
  } else if (!done->ok()) {
    out = std::unexpected(pull_error(source, last_words(done->err)));
  } else {
    out = co_await import_folder(loop, blobs, scratch);
  }
  LF_CO_OK(co_await loop.run_blocking([scratch] { return io::remove_tree(scratch); }));
  co_return out;
}

task<Result<PulledImage>> pull_image(io::Loop& loop, BlobStore& blobs, fs::path scratch,
                                     std::string reference, Millis timeout) {
  if (!is_reference(reference)) {
    co_return fail("invalid-reference", fmt::format("'{}' is not an image name", reference));
  }
  co_return co_await import_image(loop, blobs, std::move(scratch), "docker://" + reference,
                                  timeout);
}

Result<void> PulledImages::open() {
  LF_OK(io::make_directories(folder_, 0700));
  LF_OK(io::remove_tree(folder_ / "partial"));
  const auto text = io::read_file(folder_ / "pulled.json");
  if (!text) return {};
  LF_TRY(record, record::from_text<Record>(*text));
  record_ = std::move(record);
  return {};
}

task<Result<std::string>> PulledImages::resolve(std::string reference) {
  auto pulled = co_await pull_image(loop_, blobs_, folder_ / "partial" / std::to_string(++counter_),
                                    reference);
  if (!pulled) {
    const auto before = record_.images.find(reference);
    const bool away =
        pulled.error().code == "registry-unreachable" || pulled.error().code == "timeout";
    if (away && before != record_.images.end()) co_return before->second.front();
    co_return std::unexpected(std::move(pulled).error());
  }
  std::vector<std::string> digests;
  for (const BlobPin& blob : pulled->blobs) digests.push_back(blob->str());
  record_.images[reference] = std::move(digests);
  LF_CO_OK(co_await loop_.run_blocking(
      [path = folder_ / "pulled.json", text = record::to_text(record_)] {
        return io::write_file(path, text);
      }));
  co_return pulled->digest.str();
}

bool PulledImages::refers_to(const Digest& digest) const {
  const std::string name = digest.str();
  return std::ranges::any_of(record_.images, [&](const auto& entry) {
    return std::ranges::find(entry.second, name) != entry.second.end();
  });
}

}  // namespace landfall::host
