#include "services/rds/classes.h"

namespace landfall::rds {

const std::vector<InstanceClass>& instance_classes() {
  static const std::vector<InstanceClass> classes = {
      {"db.t3.micro", 2, 1024},    {"db.t3.small", 2, 2048},    {"db.t3.medium", 2, 4096},
      {"db.t3.large", 2, 8192},    {"db.t3.xlarge", 4, 16384},  {"db.t3.2xlarge", 8, 32768},
      {"db.t4g.micro", 2, 1024},   {"db.t4g.small", 2, 2048},   {"db.t4g.medium", 2, 4096},
      {"db.t4g.large", 2, 8192},   {"db.t4g.xlarge", 4, 16384}, {"db.t4g.2xlarge", 8, 32768},
      {"db.m5.large", 2, 8192},    {"db.m5.xlarge", 4, 16384},  {"db.m5.2xlarge", 8, 32768},
      {"db.m6g.large", 2, 8192},   {"db.m6g.xlarge", 4, 16384}, {"db.m6g.2xlarge", 8, 32768},
      {"db.m6i.large", 2, 8192},   {"db.m6i.xlarge", 4, 16384}, {"db.m6i.2xlarge", 8, 32768},
      {"db.m7g.large", 2, 8192},   {"db.m7g.xlarge", 4, 16384}, {"db.m7g.2xlarge", 8, 32768},
      {"db.r5.large", 2, 16384},   {"db.r5.xlarge", 4, 32768},  {"db.r6g.large", 2, 16384},
      {"db.r6g.xlarge", 4, 32768}, {"db.r6i.large", 2, 16384},  {"db.r6i.xlarge", 4, 32768},
  };
  return classes;
}

std::optional<InstanceClass> find_instance_class(std::string_view name) {
  for (const InstanceClass& found : instance_classes()) {
    if (found.name == name) return found;
  }
  return {};
}

}  // namespace landfall::rds
