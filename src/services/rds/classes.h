// DB instance classes: how much processor and memory each name means.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace landfall::rds {

struct InstanceClass {
  std::string_view name;  // "db.t4g.micro"
  int vcpus;
  std::uint64_t memory_mib;
};

const std::vector<InstanceClass>& instance_classes();
std::optional<InstanceClass> find_instance_class(std::string_view name);

}  // namespace landfall::rds
