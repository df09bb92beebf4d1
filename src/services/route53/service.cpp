#include "services/route53/service.h"

#include "wire/route53/errors.h"

namespace landfall::route53 {

Result<store::Row<ZoneRecord>> find_zone(const Tables& tables, const std::string& id) {
  auto row = tables.zones.get(bare_id(id));
  if (!row)
    return errors::no_such_hosted_zone(
        fmt::format("No hosted zone found with ID: {}", bare_id(id)));
  return std::move(*row);
}

std::vector<store::Row<RecordSetRecord>> records_of(const Tables& tables, const ZoneRecord& zone) {
  return tables.records.list(zone.id + "/");
}

task<Result<ChangeInfo>> commit(Route53& route53, io::Exclusive::Guard guard, std::string account,
                                store::Transaction transaction, std::string comment) {
  const Tables tables = route53.tables(account);
  ChangeRecord change;
  change.id = "C" + route53.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20);
  change.submitted_at = route53.clock.now();
  change.comment = std::move(comment);
  transaction.operations.push_back(tables.changes.put(change.id, change));
  // Changes are remembered for a day.
  for (const auto& row : tables.changes.list()) {
    if (change.submitted_at - row.value.submitted_at > std::chrono::hours(24))
      transaction.operations.push_back(tables.changes.remove(row.id));
  }
  store::Committed done;
  {
    const auto held = std::move(guard);
    LF_CO_TRY(committed, co_await route53.store.commit(std::move(transaction)));
    done = committed;
  }
  if (!done.succeeded) co_return fail("InternalFailure", "the records have changed", 500);
  if (route53.in_force) co_await route53.in_force(done.revision);
  ChangeInfo out;
  out.id = "/change/" + change.id;
  // As on AWS, the answer to GetChange says INSYNC.
  out.status = "PENDING";
  out.submitted_at = change.submitted_at;
  if (!change.comment.empty()) out.comment = change.comment;
  co_return out;
}

HostedZone to_shape(const Tables& tables, const ZoneRecord& zone) {
  HostedZone out;
  out.id = "/hostedzone/" + zone.id;
  out.name = zone.name;
  out.caller_reference = zone.caller_reference;
  HostedZoneConfig& config = out.config.emplace();
  if (!zone.comment.empty()) config.comment = zone.comment;
  config.private_zone = zone.private_zone;
  out.resource_record_set_count = std::int64_t(records_of(tables, zone).size());
  return out;
}

ResourceRecordSet to_shape(const RecordSetRecord& record) {
  ResourceRecordSet out = record.set;
  if (out.name.starts_with("*.")) out.name = "\\052" + out.name.substr(1);
  return out;
}

wire::List<std::string> name_servers() {
  return {"ns-1.landfall.test", "ns-2.landfall.test", "ns-3.landfall.test", "ns-4.landfall.test"};
}

std::optional<bool> cname_exists(const Route53& route53, const std::string& account,
                                 const std::string& name, const std::string& target) {
  const Tables tables = route53.tables(account);
  const std::string dotted = name + ".";
  const ZoneRecord* best = nullptr;
  const auto zones = tables.zones.list();
  for (const auto& row : zones) {
    const ZoneRecord& zone = row.value;
    if (zone.private_zone || !dotted.ends_with("." + zone.name)) continue;
    if (!best || zone.name.size() > best->name.size()) best = &zone;
  }
  if (!best) return {};
  ResourceRecordSet wanted;
  wanted.name = dotted;
  wanted.type = "CNAME";
  const auto row = tables.records.get(record_key(best->id, wanted));
  if (!row) return false;
  return std::ranges::any_of(row->value.set.resource_records, [&](const ResourceRecord& record) {
    const auto value = normalize_name(record.value);
    return value && *value == target + ".";
  });
}

}  // namespace landfall::route53
