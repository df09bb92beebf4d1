#include "services/ecr/explain.h"

#include "host/images/manifest.h"
#include "services/ecr/images.h"
#include "services/ecr/lifecycle/policy.h"
#include "services/ecr/manifest_facts.h"
#include "services/ecr/names.h"
#include "services/ecr/port.h"

namespace landfall::ecr {
namespace {

using reconcile::Finding;
using reconcile::Severity;

// What a person means: an ARN, "name", "name:tag", or the same behind a registry of ours. `image`
// says whether a tag or digest was named.
struct Meant {
  Scope scope;
  ImageReference reference;
  bool image = false;
};

std::optional<Meant> meaning(const Ecr& ecr, const Scope& scope, std::string_view text) {
  constexpr std::string_view kRepository = "repository/";
  if (const auto arn = Arn::parse(text)) {
    if (arn->service != "ecr" || !arn->resource.starts_with(kRepository)) return {};
    const auto found = parse_reference("here/" + arn->resource.substr(kRepository.size()));
    if (!found) return {};
    return Meant{{arn->account, arn->region}, *found, false};
  }
  const std::string_view first = text.substr(0, text.find('/'));
  const bool named = first.size() < text.size() && is_own_registry(ecr, first);
  const auto found = parse_reference(named ? std::string(text) : fmt::format("here/{}", text));
  if (!found) return {};
  const std::string_view rest = named ? text.substr(first.size() + 1) : text;
  return Meant{named ? parse_registry_host(first).value_or(scope) : scope, *found,
               rest.find_first_of(":@") != std::string_view::npos};
}

// The newest first.
std::vector<TaggedImage> newest(const Ecr& ecr, const FoundRepository& repository) {
  auto all = list_images(ecr, repository);
  std::ranges::sort(all, [](const TaggedImage& a, const TaggedImage& b) {
    return a.record.pushed_at > b.record.pushed_at;
  });
  return all;
}

std::string some_tags(const std::vector<TaggedImage>& newest_first) {
  std::vector<std::string> out;
  for (const TaggedImage& image : newest_first) {
    for (const std::string& tag : image.tags) {
      if (out.size() < 5) out.push_back(tag);
    }
  }
  return out.empty() ? "no image has a tag"
                     : fmt::format("the newest tags are {}", fmt::join(out, ", "));
}

Finding not_found(const Meant& meant, const std::string& uri,
                  const std::vector<TaggedImage>& newest_first) {
  Finding out;
  out.reason = newest_first.empty() ? "RepositoryEmpty" : "ImageNotFound";
  const std::string what =
      meant.reference.digest ? meant.reference.digest->str() : "tag " + meant.reference.tag;
  out.message = newest_first.empty()
                    ? fmt::format("Nothing has been pushed to {}.", meant.reference.repository)
                    : fmt::format("{} has no image with {}; {}.", meant.reference.repository, what,
                                  some_tags(newest_first));
  if (!meant.reference.digest)
    out.advice = fmt::format("podman push {}:{}", uri, meant.reference.tag);
  return out;
}

// What would keep a container of this image from starting.
task<std::optional<Finding>> check_image(Ecr& ecr, FoundRepository repository, ImageRecord image,
                                         std::string uri) {
  const auto problem = [](std::string reason, std::string message, std::string advice) {
    Finding out;
    out.reason = std::move(reason);
    out.message = std::move(message);
    out.advice = std::move(advice);
    return out;
  };
  const auto digest = host::Digest::parse(image.digest);
  const auto bytes = co_await ecr.blobs.read(*digest, kManifestLimit);
  if (!bytes) {
    co_return problem(
        "ManifestMissing",
        fmt::format("The manifest {} is not in the data folder any more.", image.digest),
        "Push the image again.");
  }
  std::vector<std::string> missing;
  for (const std::string& blob : image.blobs) {
    if (!ecr.blobs.size(*host::Digest::parse(blob))) missing.push_back(blob);
  }
  if (!missing.empty()) {
    co_return problem("LayersMissing",
                      fmt::format("{} of its {} blobs are not in the data folder any more: {}.",
                                  missing.size(), image.blobs.size(), missing[0]),
                      "Push the image again.");
  }
  const auto manifest = host::parse_manifest(*bytes);
  if (!manifest) co_return problem("ImageInvalid", manifest.error().message + ".", "");
  const std::string machine = host::machine_architecture();
  const std::string advice = fmt::format(
      "docker buildx build --platform linux/{} -t {} . && docker push {}", machine, uri, uri);
  if (manifest->index) {
    const auto chosen = host::select_platform(*manifest->index, machine);
    if (!chosen) co_return problem("ArchitectureMismatch", chosen.error().message + ".", advice);
    if (!find_image(ecr, repository, chosen->str())) {
      co_return problem(
          "ImageNotFound",
          fmt::format("The index lists {} for this machine, which is gone.", chosen->str()),
          "Push the image again.");
    }
    co_return std::nullopt;
  }
  const auto config_bytes = co_await ecr.blobs.read(manifest->image->config, kManifestLimit);
  const auto config = config_bytes
                          ? host::parse_image_config(*config_bytes)
                          : Result<host::ImageConfig>(std::unexpected(config_bytes.error()));
  // Charts and signatures have configurations of their own, and are not run.
  if (!config || config->architecture.empty() || config->architecture == machine)
    co_return std::nullopt;
  co_return problem(
      "ArchitectureMismatch",
      fmt::format("The image is built for {}/{}, but this machine needs linux/{}.",
                  config->os.empty() ? "linux" : config->os, config->architecture, machine),
      advice);
}

void add_repository_findings(const FoundRepository& repository, const std::vector<TaggedImage>& all,
                             TimePoint now, std::vector<Finding>& out) {
  const RepositoryRecord& record = repository.record();
  if (record.scan_on_push) {
    out.push_back({.severity = Severity::info,
                   .reason = "NotScanned",
                   .message =
                       "scanOnPush is set, but Landfall has no vulnerability database: no image "
                       "has been scanned."});
  }
  if (record.lifecycle_policy.empty()) return;
  const auto rules = lifecycle::parse(record.lifecycle_policy);
  const std::size_t going = rules ? lifecycle::plan(*rules, all, now).size() : 0;
  if (going == 0) return;
  out.push_back(
      {.severity = Severity::info,
       .reason = "ImagesExpiring",
       .message = fmt::format("The lifecycle policy takes {} of {} images within the hour.", going,
                              all.size())});
}

}  // namespace

task<std::optional<reconcile::Explanation>> explain(Ecr& ecr, Scope scope, std::string reference) {
  const auto meant = meaning(ecr, scope, reference);
  if (!meant) co_return std::nullopt;
  auto repository = find_repository(ecr, meant->scope, meant->reference.repository);
  if (!repository) co_return std::nullopt;
  const std::string uri =
      fmt::format("{}/{}", registry_address(ecr, meant->scope), repository->name());
  const std::vector<TaggedImage> all = newest(ecr, *repository);
  reconcile::Explanation out;
  if (!meant->image) {
    out.resource = repository_arn(repository->scope, repository->name());
    out.kind = "ECR repository";
    out.state = fmt::format("{} images", all.size());
    if (all.empty()) {
      out.findings.push_back(not_found(*meant, uri, all));
      out.findings.back().severity = Severity::warning;
    }
    add_repository_findings(*repository, all, ecr.clock.now(), out.findings);
    co_return out;
  }
  const std::string tag = meant->reference.tag;
  const std::string full = meant->reference.digest
                               ? fmt::format("{}@{}", uri, meant->reference.digest->str())
                               : fmt::format("{}:{}", uri, tag);
  out.resource = full;
  out.kind = "ECR image";
  const std::string digest = meant->reference.digest
                                 ? meant->reference.digest->str()
                                 : digest_of_tag(ecr, *repository, tag).value_or("");
  const auto image = find_image(ecr, *repository, digest);
  if (!image) {
    out.state = "not there";
    out.findings.push_back(not_found(*meant, uri, all));
    co_return out;
  }
  out.state = fmt::format("{}, pushed {}", digest, format_iso8601(image->value.pushed_at));
  auto found = co_await check_image(ecr, std::move(*repository), image->value, full);
  if (found) out.findings.push_back(std::move(*found));
  co_return out;
}

}  // namespace landfall::ecr
