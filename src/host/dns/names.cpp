#include "host/dns/names.h"

namespace landfall::host::dns {
namespace {

Resolution addresses(const Query& query, const std::vector<Ipv4>& found) {
  Resolution out;
  if (query.type != kTypeA && query.type != kTypeAny) return out;
  for (std::size_t i = 0; i < found.size(); ++i)
    out.records.push_back({.address = found[(i + query.id) % found.size()]});
  return out;
}

Resolution no_such_name() { return {.code = Code::no_such_name}; }

bool in_vpc(const View& view, Ipv4 address) {
  return std::ranges::any_of(view.blocks,
                             [&](const Cidr& block) { return block.contains(address); });
}

// "<prefix>10-0-1-5.<domain>" -> 10.0.1.5
std::optional<Ipv4> address_in_name(std::string_view name, std::string_view prefix,
                                    std::string_view domain) {
  if (domain.empty() || !name.ends_with(domain) || !name.starts_with(prefix)) return {};
  name.remove_suffix(domain.size());
  if (!name.ends_with('.')) return {};
  name.remove_suffix(1);
  name.remove_prefix(std::min(prefix.size(), name.size()));
  std::string dotted(name);
  if (dotted.find('.') != std::string::npos) return {};
  std::ranges::replace(dotted, '-', '.');
  return Ipv4::parse(dotted);
}

bool is_below(std::string_view name, std::string_view domain) {
  return name == domain || (name.ends_with(domain) && name.size() > domain.size() &&
                            name[name.size() - domain.size() - 1] == '.');
}

// Names of resources ("x.rds.amazonaws.com"), not of API endpoints ("rds.us-west-1.amazonaws.com",
// where the word comes first): what is not registered does not exist.
bool names_a_resource(std::string_view name) {
  if (name.starts_with("public-keys.auth.elb.")) return false;
  return std::ranges::any_of(
      std::array<std::string_view, 8>{".rds.", ".elb.", ".compute.", ".compute-1.", ".cache.",
                                      ".docdb.", ".cloudfront.", ".vpce."},
      [&](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

std::optional<Resolution> reverse(const View& view, const Query& query) {
  const auto address = reverse_address(query.name);
  if (!address || !in_vpc(view, *address)) return {};
  if (!view.hostnames) return no_such_name();
  Resolution out;
  if (query.type != kTypePtr && query.type != kTypeAny) return out;
  std::string dashed = address->str();
  std::ranges::replace(dashed, '.', '-');
  out.records.push_back(
      {.type = kTypePtr, .target = fmt::format("ip-{}.{}", dashed, view.internal_domain)});
  return out;
}

}  // namespace

const std::vector<Ipv4>* own_name(const View& view, std::string_view name) {
  if (const auto found = view.own_names.find(name); found != view.own_names.end())
    return &found->second;
  const auto dot = name.find('.');
  if (dot == name.npos) return nullptr;
  const auto wild = view.own_names.find(fmt::format("*{}", name.substr(dot)));
  return wild == view.own_names.end() ? nullptr : &wild->second;
}

Resolution resolve(const NameTable& names, const View& view, const Query& query) {
  if (query.query_class != kClassIn) return {.code = Code::refused};
  const std::string_view name = query.name;
  if (const auto* own = own_name(view, name)) return addresses(query, *own);
  if (const auto found = names.find(name); found != names.end()) {
    const Name& entry = found->second;
    const bool home = entry.vpc_id == view.vpc_id || entry.outside.empty();
    return addresses(query, home ? entry.inside : entry.outside);
  }
  if (auto answer = reverse(view, query)) return std::move(*answer);
  if (const auto address = address_in_name(name, "ip-", view.internal_domain)) {
    return view.hostnames && in_vpc(view, *address) ? addresses(query, {*address}) : no_such_name();
  }
  if (is_below(name, view.internal_domain)) return no_such_name();
  for (const std::string_view domain : {"landfall.test", "amazonaws.com", "api.aws"}) {
    if (!is_below(name, domain)) continue;
    return names_a_resource(name) ? no_such_name() : addresses(query, {view.api});
  }
  return {.kind = Resolution::Kind::forward};
}

}  // namespace landfall::host::dns
