// Regions and their availability zones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace landfall::ec2 {

struct Zone {
  std::string name;  // "us-west-1a"
  std::string id;    // "usw1-az1"
};

// The zones an account sees in a region; three for regions AWS does not have.
std::vector<Zone> zones_of(std::string_view region);

// Regions DescribeRegions lists.
const std::vector<std::string>& known_regions();

// Where private names end: "ec2.internal" in us-east-1, "<region>.compute.internal" elsewhere.
std::string internal_domain(std::string_view region);
// "compute-1.amazonaws.com" in us-east-1, "<region>.compute.amazonaws.com" elsewhere.
std::string public_domain(std::string_view region);

}  // namespace landfall::ec2
