#include "services/sts/issuer_keys.h"

namespace landfall::sts {
namespace {

constexpr std::size_t kMostIssuers = 1000;
constexpr Millis kKept = std::chrono::minutes(10);
constexpr Millis kAskAgain = std::chrono::seconds(30);

std::unexpected<Error> failed(std::string message) {
  return fail("issuer-failed", std::move(message));
}

}  // namespace

task<Result<void>> IssuerKeys::verify(std::string issuer, jwt::Token token) {
  LF_CO_TRY(keys, co_await keys_of(issuer, kKept));
  auto verified = keys.verify(token);
  // The issuer may have new keys since.
  if (verified || verified.error().code != "unknown-key") co_return verified;
  LF_CO_TRY(fresh, co_await keys_of(issuer, kAskAgain));
  co_return fresh.verify(token);
}

task<Result<jwt::KeySet>> IssuerKeys::keys_of(std::string issuer, Millis newer_than) {
  const auto found = known_.find(issuer);
  if (found != known_.end() && clock_.now() - found->second.fetched < newer_than) {
    co_return found->second.keys;
  }
  LF_CO_TRY(keys, co_await fetch_keys(issuer));
  if (known_.size() >= kMostIssuers) known_.clear();
  known_.insert_or_assign(std::move(issuer), Known{keys, clock_.now()});
  co_return keys;
}

task<Result<jwt::KeySet>> IssuerKeys::fetch_keys(std::string issuer) {
  auto answer = co_await fetch_(issuer + "/.well-known/openid-configuration");
  if (!answer) co_return failed(answer.error().message);
  if (answer->status != 200) {
    co_return failed(fmt::format("its configuration was answered by {}", answer->status));
  }
  boost::system::error_code error;
  const boost::json::value configuration = boost::json::parse(answer->body, error);
  if (error || !configuration.is_object()) co_return failed("its configuration is not JSON");
  const boost::json::value* said = configuration.get_object().if_contains("issuer");
  const boost::json::value* place = configuration.get_object().if_contains("jwks_uri");
  std::string name = said && said->is_string() ? std::string(said->get_string()) : "";
  while (name.ends_with('/')) name.pop_back();
  if (name != issuer) co_return failed("its configuration is of another issuer");
  if (!place || !place->is_string() || !place->get_string().starts_with("https://")) {
    co_return failed("its configuration names no https jwks_uri");
  }
  auto keys = co_await fetch_(std::string(place->get_string()));
  if (!keys) co_return failed(keys.error().message);
  if (keys->status != 200) {
    co_return failed(fmt::format("its keys were answered by {}", keys->status));
  }
  auto parsed = jwt::KeySet::parse(keys->body);
  if (!parsed) co_return failed(parsed.error().message);
  co_return parsed;
}

}  // namespace landfall::sts
