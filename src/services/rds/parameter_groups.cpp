#include "services/rds/parameter_groups.h"

#include "wire/rds/errors.h"

namespace landfall::rds {

std::optional<DbParameterGroup> default_group(const Rds&, const Scope& scope,
                                              const std::string& name) {
  constexpr std::string_view kDefault = "default.";
  const std::string family = name.starts_with(kDefault) ? name.substr(kDefault.size()) : "";
  constexpr std::string_view kEngine = "postgres";
  if (!family.starts_with(kEngine)) return {};
  const std::string_view major = std::string_view(family).substr(kEngine.size());
  if (major.empty() || major.find_first_not_of("0123456789") != std::string_view::npos) return {};
  return DbParameterGroup{name,
                          scope.account,
                          scope.region,
                          family,
                          fmt::format("Default parameter group for {}", family),
                          {},
                          {}};
}

Result<DbParameterGroup> find_group(Rds& rds, const Scope& scope, std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (auto standard = default_group(rds, scope, name)) return std::move(*standard);
  auto row = rds.tables(scope).parameter_groups.get(name);
  if (!row) return errors::db_parameter_group_not_found("DBParameterGroup not found: " + name);
  return std::move(row->value);
}

}  // namespace landfall::rds
