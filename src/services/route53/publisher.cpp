#include "services/route53/publisher.h"

#include "base/log.h"
#include "services/route53/rdata.h"

namespace landfall::route53 {
namespace {

constexpr Millis kInForceTimeout = std::chrono::seconds(2);
constexpr std::string_view kDualStack = "dualstack.";

std::string without_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

host::dns::RecordSet to_dns(const ResourceRecordSet& set) {
  host::dns::RecordSet out;
  out.ttl_s = std::uint32_t(set.ttl.value_or(60));
  out.weighted = set.weight.has_value();
  out.weight = std::uint32_t(set.weight.value_or(0));
  out.all = set.multi_value_answer.value_or(false);
  if (set.alias_target) {
    out.alias = without_dot(set.alias_target->dns_name);
    // AWS's console writes it before the names of load balancers.
    if (out.alias.starts_with(kDualStack)) out.alias.erase(0, kDualStack.size());
  }
  for (const ResourceRecord& record : set.resource_records) {
    auto data = encode_value(set.type, record.value);
    if (data) out.data.push_back(std::move(*data));
  }
  return out;
}

}  // namespace

host::dns::ZoneTable zone_table(const Route53& route53) {
  std::map<std::string, host::dns::Zone> zones;  // by id
  std::vector<ResourceRecordSet> sets;
  for (const store::KeyValue& row : route53.store.range(kRoot)) {
    // "/route53/<account>/-/<table>/<id>..."
    std::vector<std::string_view> parts;
    for (std::string_view rest = row.key; parts.size() < 6;) {
      const std::size_t slash = rest.find('/');
      parts.push_back(rest.substr(0, slash));
      if (slash == rest.npos) break;
      rest.remove_prefix(slash + 1);
    }
    if (parts.size() < 6) continue;
    if (parts[4] == "zones") {
      const auto zone = record::from_text<ZoneRecord>(row.value);
      if (!zone) continue;
      host::dns::Zone& made = zones[zone->id];
      made.id = zone->id;
      made.name = without_dot(zone->name);
      for (const VpcRecord& vpc : zone->vpcs) made.vpcs.insert(vpc.id);
    } else if (parts[4] == "records") {
      const auto record = record::from_text<RecordSetRecord>(row.value);
      const auto type = record ? type_number(record->set.type) : std::nullopt;
      if (!type) continue;
      host::dns::Zone& zone = zones[std::string(parts[5].substr(0, parts[5].find('/')))];
      zone.records[without_dot(record->set.name)][*type].push_back(to_dns(record->set));
    }
  }
  host::dns::ZoneTable out;
  for (auto& [id, zone] : zones)
    if (!zone.id.empty()) out.push_back(std::move(zone));
  return out;
}

Publisher::Publisher(Route53& route53, Publish publish)
    : route53_(route53),
      publish_(std::move(publish)),
      published_(route53.loop),
      controller_(route53.loop, route53.store, route53.clock, route53.random,
                  {.name = "route53",
                   .sources = {{std::string(kRoot),
                                [](const store::KeyValue&, const std::optional<store::KeyValue>&)
                                    -> std::vector<std::string> { return {"zones"}; }}},
                   .workers = 1},
                  [this](std::string key) { return reconcile(std::move(key)); }) {
  route53_.in_force = [this](store::Revision revision) { return wait_for(revision); };
}

task<Result<reconcile::Requeue>> Publisher::reconcile(std::string) {
  const store::Revision revision = route53_.store.revision();
  co_await publish_(zone_table(route53_));
  route53_.published = revision;
  published_.notify_all();
  co_return reconcile::Requeue{};
}

task<void> Publisher::wait_for(store::Revision revision) {
  controller_.enqueue("zones");
  const TimePoint until = route53_.clock.now() + kInForceTimeout;
  while (route53_.published < revision) {
    const auto left = std::chrono::duration_cast<Millis>(until - route53_.clock.now());
    if (left <= Millis(0) || !co_await published_.wait_for(left)) co_return;
  }
}

}  // namespace landfall::route53
