#include "services/elbv2/authentication.h"

#include <charconv>

#include "base/log.h"
#include "wire/elbv2/errors.h"

namespace landfall::elbv2 {
namespace {

constexpr std::size_t kMostExtraParameters = 10;
constexpr std::size_t kMostClaims = 10;
constexpr std::size_t kMostClaimValues = 10;
constexpr std::size_t kMostCharacters = 256;  // of a JWT's issuer, endpoint and claim values
constexpr std::size_t kMostUrl = 2048;
constexpr std::int64_t kMostSessionSeconds = 604800;

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationError", std::move(message));
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

bool is_https_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme) || url.size() > kMostUrl || !is_visible(url)) return false;
  if (url.find_first_of("#\"<>\\^`{|}") != url.npos) return false;
  url.remove_prefix(kScheme.size());
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  if (authority.empty() || authority.find('@') != authority.npos) return false;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon == authority.npos || (bracket != authority.npos && colon < bracket)) return true;
  unsigned port = 0;
  const std::string_view digits = authority.substr(colon + 1);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return colon > 0 && read.ec == std::errc() && read.ptr == digits.data() + digits.size() &&
         port >= 1 && port <= 65535;
}

Result<void> check_url(std::string_view member, const std::string& url) {
  if (is_https_url(url)) return {};
  return invalid(
      fmt::format("{} '{}' must be a full URL, including the HTTPS protocol, the domain "
                  "and the path",
                  member, url));
}

bool is_cookie_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(char(c)) != std::string::npos;
  });
}

Result<void> normalize_oidc(Action& action) {
  if (!action.authenticate_oidc_config)
    return invalid("An authenticate-oidc action needs AuthenticateOidcConfig");
  AuthenticateOidcActionConfig& config = *action.authenticate_oidc_config;
  LF_OK(check_url("Issuer", config.issuer));
  LF_OK(check_url("AuthorizationEndpoint", config.authorization_endpoint));
  LF_OK(check_url("TokenEndpoint", config.token_endpoint));
  LF_OK(check_url("UserInfoEndpoint", config.user_info_endpoint));
  if (config.client_id.empty() || !is_visible(config.client_id))
    return invalid("ClientId must be specified, in visible characters");
  config.session_cookie_name = config.session_cookie_name.value_or("AWSELBAuthSessionCookie");
  if (!is_cookie_name(*config.session_cookie_name)) {
    return invalid(
        fmt::format("'{}' is not a valid session cookie name", *config.session_cookie_name));
  }
  config.scope = config.scope.value_or("openid");
  if (config.scope->empty()) return invalid("Scope must not be empty");
  config.session_timeout = config.session_timeout.value_or(kMostSessionSeconds);
  if (*config.session_timeout < 1 || *config.session_timeout > kMostSessionSeconds) {
    return invalid(
        fmt::format("The session timeout must be between 1 and {} seconds", kMostSessionSeconds));
  }
  if (config.authentication_request_extra_params.size() > kMostExtraParameters) {
    return invalid(
        fmt::format("At most {} extra parameters can be specified for an "
                    "authentication request",
                    kMostExtraParameters));
  }
  for (const auto& [name, value] : config.authentication_request_extra_params) {
    static const std::set<std::string, std::less<>> kOurs = {
        "client_id", "redirect_uri", "response_type", "scope", "state", "nonce"};
    if (name.empty() || kOurs.contains(name)) {
      return invalid(fmt::format(
          "'{}' cannot be an extra parameter of an authentication request: it is set already",
          name));
    }
  }
  config.on_unauthenticated_request = config.on_unauthenticated_request.value_or("authenticate");
  const std::string& what = *config.on_unauthenticated_request;
  if (what != "authenticate" && what != "deny" && what != "allow")
    return invalid(fmt::format("'{}' is not deny, allow or authenticate", what));
  return {};
}

Result<void> check_claim(const JwtValidationActionAdditionalClaim& claim,
                         std::set<std::string>& names) {
  static const std::set<std::string> kChecked = {"exp", "iss", "nbf", "iat"};
  if (claim.name.empty() || kChecked.contains(claim.name)) {
    return invalid(fmt::format(
        "'{}' cannot be an additional claim: exp, iss, nbf and iat are always validated",
        claim.name));
  }
  if (!names.insert(claim.name).second)
    return invalid(fmt::format("The claim '{}' is specified more than once", claim.name));
  const bool single = claim.format == "single-string";
  const bool spaced = claim.format == "space-separated-values";
  if (!single && !spaced && claim.format != "string-array")
    return invalid(fmt::format("'{}' is not a valid claim format", claim.format));
  if (claim.values.empty() || claim.values.size() > (single ? 1 : kMostClaimValues)) {
    return invalid(fmt::format("The claim '{}' of format '{}' must have {}", claim.name,
                               claim.format, single ? "1 value" : "1 to 10 values"));
  }
  for (const std::string& value : claim.values) {
    if (value.empty() || value.size() > kMostCharacters) {
      return invalid(fmt::format("A value of the claim '{}' must have 1 to {} characters",
                                 claim.name, kMostCharacters));
    }
    if (spaced && value.find(' ') != value.npos)
      return invalid("The values of a claim of format 'space-separated-values' have no spaces");
  }
  return {};
}

Result<void> check_jwt(const Action& action) {
  if (!action.jwt_validation_config)
    return invalid("A jwt-validation action needs JwtValidationConfig");
  const JwtValidationActionConfig& config = *action.jwt_validation_config;
  LF_OK(check_url("JwksEndpoint", config.jwks_endpoint));
  for (const std::string* text : {&config.jwks_endpoint, &config.issuer}) {
    if (text->empty() || text->size() > kMostCharacters) {
      return invalid(
          fmt::format("Issuer and JwksEndpoint must have 1 to {} characters", kMostCharacters));
    }
  }
  if (config.additional_claims.size() > kMostClaims)
    return invalid(fmt::format("At most {} additional claims can be specified", kMostClaims));
  std::set<std::string> names;
  for (const auto& claim : config.additional_claims) LF_OK(check_claim(claim, names));
  return {};
}

AuthenticateOidcActionConfig* oidc_in(Action& action) {
  return action.type == "authenticate-oidc" && action.authenticate_oidc_config
             ? &*action.authenticate_oidc_config
             : nullptr;
}

std::string context_of(const std::string& owner) { return "elbv2/client-secret/" + owner; }

proxy::OidcSettings to_proxy(const AuthenticateOidcActionConfig& config) {
  proxy::OidcSettings out;
  out.issuer = config.issuer;
  out.authorization_endpoint = config.authorization_endpoint;
  out.token_endpoint = config.token_endpoint;
  out.user_info_endpoint = config.user_info_endpoint;
  out.client_id = config.client_id;
  out.client_secret = config.client_secret.value_or("");
  out.cookie = config.session_cookie_name.value_or(out.cookie);
  out.scope = config.scope.value_or(out.scope);
  out.session_seconds = config.session_timeout.value_or(out.session_seconds);
  for (const auto& [name, value] : config.authentication_request_extra_params)
    out.extra_parameters.push_back({name, value});
  const std::string what = config.on_unauthenticated_request.value_or("authenticate");
  out.unauthenticated = what == "deny"    ? proxy::Unauthenticated::deny
                        : what == "allow" ? proxy::Unauthenticated::allow
                                          : proxy::Unauthenticated::authenticate;
  return out;
}

proxy::JwtSettings to_proxy(const JwtValidationActionConfig& config) {
  proxy::JwtSettings out;
  out.jwks_endpoint = config.jwks_endpoint;
  out.issuer = config.issuer;
  for (const auto& claim : config.additional_claims) {
    out.claims.push_back({claim.name,
                          claim.format == "string-array" ? proxy::ClaimFormat::string_array
                          : claim.format == "space-separated-values"
                              ? proxy::ClaimFormat::space_separated_values
                              : proxy::ClaimFormat::single_string,
                          {claim.values.begin(), claim.values.end()}});
  }
  return out;
}

}  // namespace

bool is_authentication(const Action& action) {
  return action.type == "authenticate-oidc" || action.type == "authenticate-cognito" ||
         action.type == "jwt-validation";
}

Result<void> normalize_authentication(const ListenerRecord& listener, Action& action) {
  if (listener.protocol != "HTTPS") {
    return errors::invalid_load_balancer_action(
        fmt::format("Actions of type '{}' are supported only on HTTPS listeners", action.type));
  }
  if (action.type == "authenticate-cognito") {
    return errors::invalid_load_balancer_action(
        "There is no Amazon Cognito in Landfall, so an action of type 'authenticate-cognito' could "
        "let nobody in. Use 'authenticate-oidc' with an OpenID Connect provider");
  }
  if (action.type == "jwt-validation") return check_jwt(action);
  return normalize_oidc(action);
}

Result<void> seal_secrets(const store::Sealer& sealer, const std::string& owner,
                          wire::List<Action>& actions, const wire::List<Action>* former) {
  for (Action& action : actions) {
    AuthenticateOidcActionConfig* config = oidc_in(action);
    if (config == nullptr) continue;
    const bool existing = config->use_existing_client_secret.value_or(false);
    config->use_existing_client_secret.reset();
    if (existing && config->client_secret) {
      return invalid("ClientSecret cannot be specified when UseExistingClientSecret is true");
    }
    if (!existing) {
      if (!config->client_secret || config->client_secret->empty())
        return invalid("ClientSecret must be specified for an authenticate-oidc action");
      config->client_secret = sealer.seal(*config->client_secret, context_of(owner));
      continue;
    }
    for (const Action& known : former != nullptr ? *former : wire::List<Action>()) {
      if (known.type == "authenticate-oidc" && known.authenticate_oidc_config)
        config->client_secret = known.authenticate_oidc_config->client_secret;
    }
    if (!config->client_secret) {
      return invalid(
          "UseExistingClientSecret is true, but there is no authenticate-oidc action with a client "
          "secret");
    }
  }
  return {};
}

void unseal_secrets(const store::Sealer& sealer, const std::string& owner,
                    wire::List<Action>& actions) {
  for (Action& action : actions) {
    AuthenticateOidcActionConfig* config = oidc_in(action);
    if (config == nullptr || !config->client_secret) continue;
    auto secret = sealer.unseal(*config->client_secret, context_of(owner));
    if (!secret) log::warning("elbv2", "client secret of {}: {}", owner, secret.error().message);
    config->client_secret = secret ? std::move(*secret) : std::string();
  }
}

wire::List<Action> without_secrets(wire::List<Action> actions) {
  for (Action& action : actions) {
    if (AuthenticateOidcActionConfig* config = oidc_in(action)) config->client_secret.reset();
  }
  return actions;
}

void add_authentication(const wire::List<Action>& actions, proxy::Action& out) {
  for (const Action& action : actions) {
    if (action.type == "authenticate-oidc" && action.authenticate_oidc_config)
      out.oidc = to_proxy(*action.authenticate_oidc_config);
    if (action.type == "jwt-validation" && action.jwt_validation_config)
      out.jwt = to_proxy(*action.jwt_validation_config);
  }
}

}  // namespace landfall::elbv2
