#include "gateway/routes.h"

namespace landfall::gateway {

const Service* Routes::find(const http::Request& request, const sigv4::Claim* claim) const {
  const std::string_view target = request.headers.get("x-amz-target");
  const std::string_view prefix = target.substr(0, std::min(target.rfind('.'), target.size()));
  const Service* found = nullptr;
  for (const Service& service : services_) {
    const bool signed_for = claim && service.model->signing_name == claim->scope.service;
    // Services that share a signing name differ by their target prefix.
    if (!target.empty() && service.model->target_prefix == prefix && (signed_for || !claim)) {
      return &service;
    }
    if (signed_for && !found) found = &service;
  }
  if (found || claim) return found;
  // Not signed: some operations need no signature, and all others get their service's own error.
  // A link that carries its own proof (SNS's confirmation of a subscription) names the operation
  // only.
  if (const auto query = http::parse_form(request.query)) {
    if (const Service* named = find_anonymous(*query)) return named;
  }
  const std::string_view host = request.headers.get("host");
  for (const Service& service : services_) {
    const std::string_view label = service.model->endpoint_prefix;
    if (host.starts_with(label) && host.substr(label.size()).starts_with('.')) return &service;
  }
  return nullptr;
}

const Service* Routes::find_anonymous(const http::Parameters& form) const {
  const auto action = std::ranges::find(form, "Action", &http::Parameters::value_type::first);
  if (action == form.end()) return nullptr;
  for (const Service& service : services_) {
    const auto* operation = wire::find_operation(*service.model, action->second);
    if (operation && operation->anonymous) return &service;
  }
  return nullptr;
}

std::vector<std::string> Routes::served() const {
  std::vector<std::string> names;
  for (const Service& service : services_) names.emplace_back(service.model->signing_name);
  std::ranges::sort(names);
  return names;
}

std::string Routes::served_names() const {
  std::vector<std::string_view> names;
  for (const Service& service : services_) names.push_back(service.model->name);
  std::ranges::sort(names);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace landfall::gateway
