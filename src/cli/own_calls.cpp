#include "cli/own_calls.h"

#include <unistd.h>

namespace landfall::cli {
namespace {

http::Response text(std::string body, std::string type) {
  http::Response out;
  out.headers.set("Content-Type", std::move(type));
  out.body = std::move(body);
  return out;
}

// How many records each table holds: {"ecs us-west-1 tasks": 3}. Keys are
// /<service>/<account>/<region>/<table>/...
json::object count_records(store::Store& store) {
  std::map<std::string, std::int64_t> counts;
  store::RangeOptions page{.start_after = {}, .limit = 1000};
  while (true) {
    const auto rows = store.range("/", page);
    for (const store::KeyValue& row : rows) {
      std::array<std::string_view, 4> parts;
      std::string_view rest = std::string_view(row.key).substr(1);
      for (std::string_view& part : parts) {
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        part = rest.substr(0, slash);
        rest.remove_prefix(std::min(slash + 1, rest.size()));
      }
      if (rest.empty()) continue;
      const auto region = parts[2] == "-" ? std::string_view("global") : parts[2];
      ++counts[fmt::format("{} {} {}", parts[0], region, parts[3])];
    }
    if (rows.size() < page.limit) break;
    page.start_after = rows.back().key;
  }
  json::object out;
  for (const auto& [name, count] : counts) out[name] = count;
  return out;
}

// A coroutine of its own: the lambda that calls it returns before it ends.
task<Result<http::Response>> tell_status(store::Store& store, TimePoint started,
                                         RequestContext ctx) {
  json::object out;
  out["version"] = json::string(kVersion);
  out["pid"] = std::int64_t(::getpid());
  out["account"] = ctx.scope.account;
  out["started"] = format_iso8601(started);
  out["revision"] = store.revision();
  out["records"] = count_records(store);
  co_return text(json::serialize(out) + "\n", "application/json");
}

task<Result<http::Response>> tell_why(const reconcile::Why& why, Scope scope,
                                      std::string resource) {
  LF_CO_TRY(answer, co_await why.ask(scope, resource));
  co_return text(reconcile::format_answer(answer), "text/plain; charset=utf-8");
}

std::string parameter(const http::Parameters& query, std::string_view name, std::string fallback) {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return fallback;
}

}  // namespace

void add_own_calls(gateway::Gateway& gateway, store::Store& store, const reconcile::Why& why,
                   std::string region, TimePoint started) {
  gateway.add_own("status", [&store, started](const RequestContext& ctx, const http::Parameters&) {
    return tell_status(store, started, ctx);
  });
  gateway.add_own("why", [&why, region](const RequestContext& ctx, const http::Parameters& query) {
    const std::string resource = parameter(query, "resource", "");
    // An ARN says its region itself.
    const auto arn = Arn::parse(resource);
    const std::string where =
        arn && !arn->region.empty() ? arn->region : parameter(query, "region", region);
    return tell_why(why, Scope{ctx.scope.account, where}, resource);
  });
}

}  // namespace landfall::cli
