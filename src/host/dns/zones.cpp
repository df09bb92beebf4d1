#include "host/dns/zones.h"

#include <numeric>

namespace landfall::host::dns {
namespace {

constexpr int kLongestChain = 8;

bool is_in_zone(std::string_view name, std::string_view zone) {
  return name == zone || (name.ends_with(zone) && name.size() > zone.size() &&
                          name[name.size() - zone.size() - 1] == '.');
}

// The longest name wins; of two equally long ones, the private one.
const Zone* zone_for(const ZoneTable& zones, const View& view, std::string_view name) {
  const Zone* best = nullptr;
  for (const Zone& zone : zones) {
    // A VPC sees private zones only with enableDnsHostnames.
    if (!zone.vpcs.empty() && (!view.hostnames || !zone.vpcs.contains(view.vpc_id))) continue;
    if (!is_in_zone(name, zone.name)) continue;
    const bool better = !best || zone.name.size() > best->name.size() ||
                        (zone.name.size() == best->name.size() && !zone.vpcs.empty());
    if (better) best = &zone;
  }
  return best;
}

using ByType = std::map<std::uint16_t, std::vector<RecordSet>>;

// The name itself, or the wildcard nearest to it. RFC 4592: a name that exists, if only because
// something is below it, hides the wildcard.
const ByType* records_of(const Zone& zone, std::string_view name) {
  if (const auto found = zone.records.find(name); found != zone.records.end())
    return &found->second;
  std::string_view rest = name;
  while (rest.size() > zone.name.size()) {
    rest.remove_prefix(std::min(rest.size(), rest.find('.') + 1));
    if (const auto found = zone.records.find(fmt::format("*.{}", rest));
        found != zone.records.end()) {
      return &found->second;
    }
    if (zone.records.contains(rest)) break;
  }
  return nullptr;
}

bool exists_below(const Zone& zone, std::string_view name) {
  const std::string end = fmt::format(".{}", name);
  return std::ranges::any_of(zone.records,
                             [&](const auto& item) { return item.first.ends_with(end); });
}

// The query's id is the client's throw of the dice.
std::vector<const RecordSet*> choose(const std::vector<RecordSet>& sets, std::uint16_t dice) {
  std::vector<const RecordSet*> out;
  if (sets.empty()) return out;
  if (sets.front().all) {
    for (const RecordSet& set : sets) out.push_back(&set);
    return out;
  }
  if (!sets.front().weighted) return {&sets.front()};
  std::uint64_t sum = 0;
  for (const RecordSet& set : sets) sum += set.weight;
  // All of weight zero count as equal, as with Route 53.
  std::uint64_t at = sum == 0 ? dice % sets.size() : (dice * 2654435761u >> 8) % sum;
  for (const RecordSet& set : sets) {
    const std::uint64_t width = sum == 0 ? 1 : set.weight;
    if (at < width) return {&set};
    at -= width;
  }
  return out;
}

std::string decode_name(std::string_view data) {
  std::string out;
  while (!data.empty() && data.front() != 0) {
    const auto length = static_cast<unsigned char>(data.front());
    if (!out.empty()) out += '.';
    out += data.substr(1, length);
    data.remove_prefix(std::min<std::size_t>(data.size(), 1u + length));
  }
  return out;
}

struct Walk {
  const ZoneTable& zones;
  const NameTable& names;
  const View& view;
  const Query& query;
  Resolution out;

  // Adds the answer for `name`, its records owned by `owner` (empty: the question's). False: nobody
  // here knows the name.
  bool follow(std::string name, std::string owner, int depth) {
    if (depth > kLongestChain) {
      out.code = Code::server_failure;
      return true;
    }
    if (names.contains(name)) {
      Query inner = query;
      inner.name = name;
      Resolution found = resolve(names, view, inner);
      for (Record& record : found.records) {
        record.name = owner;
        out.records.push_back(std::move(record));
      }
      return true;
    }
    const Zone* zone = zone_for(zones, view, name);
    if (!zone) return false;
    const ByType* types = records_of(*zone, name);
    if (!types) {
      if (!exists_below(*zone, name) && name != zone->name) out.code = Code::no_such_name;
      return true;
    }
    if (const auto cname = types->find(kTypeCname);
        cname != types->end() && query.type != kTypeCname && query.type != kTypeAny) {
      for (const RecordSet* set : choose(cname->second, query.id)) {
        if (set->data.empty()) continue;
        out.records.push_back(
            {.name = owner, .type = kTypeCname, .ttl_s = set->ttl_s, .data = set->data.front()});
        const std::string target = decode_name(set->data.front());
        (void)follow(target, target, depth + 1);
      }
      return true;
    }
    for (const auto& [type, sets] : *types) {
      if (type != query.type && query.type != kTypeAny) continue;
      for (const RecordSet* set : choose(sets, query.id)) {
        if (!set->alias.empty()) (void)follow(set->alias, owner, depth + 1);
        for (const std::string& data : set->data)
          out.records.push_back({.name = owner, .type = type, .ttl_s = set->ttl_s, .data = data});
      }
    }
    return true;
  }
};

}  // namespace

std::optional<Resolution> resolve_in_zones(const ZoneTable& zones, const NameTable& names,
                                           const View& view, const Query& query) {
  if (query.query_class != kClassIn || !zone_for(zones, view, query.name)) return {};
  Walk walk{zones, names, view, query, {}};
  (void)walk.follow(query.name, "", 0);
  return std::move(walk.out);
}

std::map<std::string, Ipv4> outside_addresses(const ZoneTable& zones, const NameTable& names) {
  std::map<std::string, Ipv4> out;
  const View nowhere{};
  for (const Zone& zone : zones) {
    if (!zone.vpcs.empty()) continue;
    for (const auto& [name, types] : zone.records) {
      if (name.starts_with("*.")) continue;
      const Query query{.name = name, .type = kTypeA, .query_class = kClassIn};
      const auto found = resolve_in_zones(zones, names, nowhere, query);
      if (!found) continue;
      for (const Record& record : found->records) {
        if (record.type != kTypeA) continue;
        Ipv4 address = record.address;
        if (record.data.size() == 4) {
          address.value = std::accumulate(
              record.data.begin(), record.data.end(), 0u,
              [](std::uint32_t sum, char c) { return sum << 8 | static_cast<unsigned char>(c); });
        }
        out[name] = address;
        break;
      }
    }
  }
  return out;
}

}  // namespace landfall::host::dns
