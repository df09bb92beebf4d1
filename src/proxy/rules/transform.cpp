#include "proxy/rules/transform.h"

#include "proxy/rules/condition.h"

namespace landfall::proxy {
namespace {

// The groups of all alternatives are carried along: a request must not cost too much.
constexpr std::size_t kLargestProgram = 2048;
constexpr std::size_t kLongestHost = 255;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_host(std::string_view host) {
  const std::size_t colon = host.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    if (port.empty() || port.size() > 5) return false;
    int number = 0;
    for (const char c : port) {
      if (!is_digit(c)) return false;
      number = number * 10 + (c - '0');
    }
    if (number < 1 || number > 65535) return false;
    host = host.substr(0, colon);
  }
  if (host.empty()) return false;
  for (const char c : host) {
    const char small = static_cast<char>(c | 0x20);
    if (!(small >= 'a' && small <= 'z') && !is_digit(c) && c != '-' && c != '.' && c != '_')
      return false;
  }
  return true;
}

// What the parser takes of a client, and no more.
bool is_url(std::string_view url) {
  if (!url.starts_with('/')) return false;
  for (const char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '#') return false;
  }
  return true;
}

}  // namespace

Result<Rewrite> Rewrite::compile(std::string_view regex, std::string_view replace,
                                 bool ignore_case) {
  Rewrite out;
  LF_TRY(compiled, Regex::compile(regex, ignore_case));
  if (compiled->size() > kLargestProgram)
    return fail("regex-invalid", fmt::format("the expression '{}' is too complex", regex));
  out.regex_ = compiled;
  Piece piece;
  for (std::size_t i = 0; i < replace.size(); ++i) {
    const bool names_group =
        replace[i] == '$' && i + 1 < replace.size() && is_digit(replace[i + 1]);
    if (!names_group) {
      piece.text += replace[i];
      continue;
    }
    piece.group = replace[++i] - '0';
    if (piece.group > compiled->groups()) {
      return fail("regex-invalid",
                  fmt::format("the expression '{}' has no group ${}", regex, piece.group));
    }
    out.pieces_.push_back(std::exchange(piece, {}));
  }
  out.pieces_.push_back(std::move(piece));
  return out;
}

Rewrite::Outcome Rewrite::apply(std::string_view subject, std::size_t limit,
                                std::string& out) const {
  Regex::Groups groups;
  if (!regex_->search(subject, groups)) return Outcome::no_match;
  const auto begin = static_cast<std::size_t>(groups[0].data() - subject.data());
  out.assign(subject.substr(0, begin));
  for (const Piece& piece : pieces_) {
    out.append(piece.text);
    if (piece.group >= 0) out.append(groups[static_cast<std::size_t>(piece.group)]);
    if (out.size() > limit) return Outcome::too_long;
  }
  out.append(subject.substr(begin + groups[0].size()));
  return out.size() > limit ? Outcome::too_long : Outcome::done;
}

Result<std::unique_ptr<const CompiledTransforms>> CompiledTransforms::compile(
    const std::vector<Transform>& transforms) {
  if (transforms.empty()) return nullptr;
  auto out = std::make_unique<CompiledTransforms>();
  for (const Transform& each : transforms) {
    const bool host = each.kind == TransformKind::host_header;
    LF_TRY(rewrite, Rewrite::compile(each.regex, each.replace, host));
    (host ? out->host : out->url) = std::move(rewrite);
  }
  return out;
}

Transformed apply(const CompiledTransforms& transforms, const http1::RequestHead& head) {
  using Outcome = Rewrite::Outcome;
  Transformed out;
  const auto failed = [&](std::string_view why) {
    out = {.status = why, .failed = true};
    return out;
  };
  if (transforms.host) {
    const Outcome outcome =
        transforms.host->apply(host_without_port(head.authority), kLongestHost, out.host);
    if (outcome == Outcome::too_long) return failed("TransformBufferTooSmall");
    if (outcome == Outcome::done) {
      if (!is_host(out.host)) return failed("TransformInvalidHost");
      out.status = "TransformSuccess";
    }
  }
  // "*" of OPTIONS is no URL.
  if (transforms.url && head.target != "*") {
    std::string url(head.path.starts_with('/') ? "" : "/");
    url.append(head.path);
    if (head.has_query) url.append("?").append(head.query);
    const Outcome outcome = transforms.url->apply(url, http1::kRequestLineLimit, out.url);
    if (outcome == Outcome::too_long) return failed("TransformBufferTooSmall");
    if (outcome == Outcome::done) {
      if (!is_url(out.url)) return failed("TransformInvalidPath");
      out.status = "TransformSuccess";
    }
  }
  return out;
}

}  // namespace landfall::proxy
