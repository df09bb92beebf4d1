// The attributes of load balancers, listeners and target groups: which there are, what they are
// when nobody has set them, and what they may be.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
#pragma once

#include "services/elbv2/records.h"

namespace landfall::elbv2 {

enum class AttributeOwner {
  application_load_balancer,
  network_load_balancer,
  application_target_group,
  network_target_group,
  http_listener,
  https_listener,
  tcp_listener,
  tls_listener,
};

AttributeOwner attribute_owner(const LoadBalancerRecord& load_balancer);
AttributeOwner attribute_owner(const TargetGroupRecord& group);
AttributeOwner attribute_owner(const ListenerRecord& listener);

// What was set, and the defaults of all others; sorted by key.
Attributes with_defaults(AttributeOwner owner, const Attributes& set);
// One value, set or default. CHECKs that there is such an attribute.
std::string attribute(AttributeOwner owner, const Attributes& set, std::string_view key);
int attribute_number(AttributeOwner owner, const Attributes& set, std::string_view key);
bool attribute_flag(AttributeOwner owner, const Attributes& set, std::string_view key);

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
bool is_bucket_name(std::string_view name);
// A key that names a file below a bucket's folder, and nothing outside of it.
bool is_file_key(std::string_view key);

// Applies changes. Error: ValidationError, for keys that there are not and values out of range, and
// for values that Landfall cannot honour.
Result<void> set_attributes(AttributeOwner owner, Attributes& set,
                            const std::vector<std::pair<std::string, std::string>>& changes);

template <class Shape>
std::vector<std::pair<std::string, std::string>> attribute_changes(const wire::List<Shape>& list) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Shape& item : list) out.emplace_back(item.key.value_or(""), item.value.value_or(""));
  return out;
}

template <class Shape>
wire::List<Shape> attribute_shapes(const Attributes& attributes) {
  wire::List<Shape> out;
  out.present = true;
  for (const auto& [key, value] : attributes) {
    Shape& item = out.emplace_back();
    item.key = key;
    item.value = value;
  }
  return out;
}

}  // namespace landfall::elbv2
