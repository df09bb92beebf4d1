#include "proxy/rules/transform.h"
#include "services/elbv2/rules.h"

namespace landfall::elbv2 {
namespace {

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RewriteConfig.html
constexpr std::size_t kLongest = 1024;

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationError", std::move(message));
}

// What is refused here would only fail when the first request comes.
Result<void> check_rewrite(const RewriteConfig& rewrite, bool host) {
  if (rewrite.regex.empty() || rewrite.regex.size() > kLongest)
    return invalid(fmt::format("The regex of a rewrite must have 1 to {} characters", kLongest));
  if (rewrite.replace.size() > kLongest)
    return invalid(fmt::format("The replacement of a rewrite has at most {} characters", kLongest));
  const bool printable =
      std::ranges::all_of(rewrite.replace, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!printable)
    return invalid("The replacement of a rewrite has printable characters without spaces");
  if (const auto compiled = proxy::Rewrite::compile(rewrite.regex, rewrite.replace, host);
      !compiled)
    return invalid(fmt::format("The rewrite is not valid: {}", compiled.error().message));
  return {};
}

}  // namespace

Result<void> check_transforms(const wire::List<RuleTransform>& transforms) {
  std::set<std::string> seen;
  for (const RuleTransform& transform : transforms) {
    const bool host = transform.type == "host-header-rewrite";
    if (!host && transform.type != "url-rewrite") {
      return invalid(
          fmt::format("Transform type '{}' must be one of '[host-header-rewrite, url-rewrite]'",
                      transform.type));
    }
    if (!seen.insert(transform.type).second)
      return invalid(fmt::format("A rule can have one transform of type '{}'", transform.type));
    if (host != transform.host_header_rewrite_config.has_value() ||
        host == transform.url_rewrite_config.has_value()) {
      return invalid("A transform needs the configuration of its type, and no other");
    }
    const auto& rewrites = host ? transform.host_header_rewrite_config->rewrites
                                : transform.url_rewrite_config->rewrites;
    if (rewrites.size() != 1) return invalid("A transform has exactly one rewrite");
    LF_OK(check_rewrite(rewrites[0], host));
  }
  return {};
}

}  // namespace landfall::elbv2
