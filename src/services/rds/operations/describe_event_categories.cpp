// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEventCategories.html
#include "services/rds/shapes.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

// Those that events here can have.
task<Result<DescribeEventCategoriesResponse>> describe_event_categories(
    Rds&, const RequestContext&, DescribeEventCategoriesRequest in) {
  DescribeEventCategoriesResponse out;
  const auto add = [&](const char* type, std::initializer_list<const char*> categories) {
    if (in.source_type && *in.source_type != type) return;
    EventCategoriesMap map;
    map.source_type = type;
    for (const char* category : categories) map.event_categories.emplace_back(category);
    out.event_categories_map_list.push_back(std::move(map));
  };
  add("db-instance", {"availability", "backup", "configuration change", "creation", "failure",
                      "maintenance", "notification", "read replica"});
  add("db-snapshot", {"creation", "failure"});
  co_return out;
}

}  // namespace landfall::rds
