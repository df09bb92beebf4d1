// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

Result<bool> passes(const DbInstance& instance, const wire::List<Filter>& filters) {
  for (const Filter& filter : filters) {
    const auto holds = [&](const std::string& value) {
      return std::ranges::find(filter.values, value) != filter.values.end();
    };
    bool kept = false;
    if (filter.name == "db-instance-id") {
      kept = holds(instance.identifier) || holds(instance.arn());
    } else if (filter.name == "dbi-resource-id") {
      kept = holds(instance.resource_id);
    } else if (filter.name == "engine") {
      kept = holds("postgres");
    } else if (filter.name != "db-cluster-id" && filter.name != "domain") {
      return fail("InvalidParameterValue",
                  fmt::format("Unrecognized filter name: {}", filter.name));
    }
    if (!kept) return false;
  }
  return true;
}

}  // namespace

task<Result<DescribeDBInstancesResponse>> describe_db_instances(Rds& rds, const RequestContext& ctx,
                                                                DescribeDBInstancesRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  const auto table = rds.tables(ctx.scope).instances;
  DescribeDBInstancesResponse out;
  if (in.db_instance_identifier) {
    std::string wanted = *in.db_instance_identifier;
    if (auto arn = Arn::parse(wanted)) wanted = arn->resource.substr(arn->resource.rfind(':') + 1);
    std::ranges::transform(wanted, wanted.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    const auto row = table.get(wanted);
    if (!row) {
      co_return errors::db_instance_not_found(
          fmt::format("DBInstance {} not found.", *in.db_instance_identifier));
    }
    LF_CO_TRY(kept, passes(row->value, in.filters));
    if (kept) out.db_instances.push_back(to_shape(rds, row->value));
    co_return out;
  }
  std::vector<DbInstance> found;
  for (const auto& row : table.list()) {
    LF_CO_TRY(kept, passes(row.value, in.filters));
    if (kept) found.push_back(row.value);
  }
  auto cut =
      cut_page(std::move(found), page, [](const DbInstance& item) { return item.identifier; });
  for (const DbInstance& item : cut.items) out.db_instances.push_back(to_shape(rds, item));
  out.marker = cut.marker;
  co_return out;
}

}  // namespace landfall::rds
