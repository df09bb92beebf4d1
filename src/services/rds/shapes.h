// Records as the shapes that DescribeDBInstances and its kin answer with, and pages of them.
#pragma once

#include "services/rds/service.h"
#include "wire/rds/types.h"

namespace landfall::rds {

// The one authority whose certificates servers have.
inline constexpr std::string_view kCertificateAuthority = "landfall-ca";

DBInstance to_shape(Rds& rds, const DbInstance& instance);
DBSnapshot to_shape(const DbSnapshot& snapshot);
DBSubnetGroup to_shape(Rds& rds, const DbSubnetGroup& group);
wire::List<Tag> to_shape(const Tags& tags);

// At most 50, keys unique and of AWS's length, no "aws:" prefix. Error InvalidParameterValue.
Result<Tags> to_tags(const wire::List<Tag>& tags);

// One page: `items` in order, each with a name that is unique and sorted; the marker names the last
// one returned.
template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> marker;
};

// MaxRecords (20 to 100, default 100) and Marker as every RDS list takes them. Error
// InvalidParameterValue.
struct PageRequest {
  std::size_t limit = 100;
  std::string after;
};
Result<PageRequest> page_request(std::optional<std::int32_t> max_records,
                                 const std::optional<std::string>& marker);

template <class T, class Name>
Page<T> cut_page(std::vector<T> sorted, const PageRequest& request, Name name) {
  Page<T> page;
  for (T& item : sorted) {
    if (name(item) <= request.after) continue;
    if (page.items.size() == request.limit) {
      page.marker = name(page.items.back());
      break;
    }
    page.items.push_back(std::move(item));
  }
  return page;
}

}  // namespace landfall::rds
