#include "services/ec2/regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace landfall::ec2 {
namespace {

// The letters are those that new accounts see; us-west-1 and ca-central-1 left one out.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
const std::map<std::string, std::string, std::less<>>& zone_letters() {
  static const std::map<std::string, std::string, std::less<>> letters = {
      {"us-east-1", "abcdef"},   {"us-east-2", "abc"},       {"us-west-1", "ac"},
      {"us-west-2", "abcd"},     {"ca-central-1", "abd"},    {"sa-east-1", "abc"},
      {"eu-west-1", "abc"},      {"eu-west-2", "abc"},       {"eu-west-3", "abc"},
      {"eu-central-1", "abc"},   {"eu-north-1", "abc"},      {"ap-northeast-1", "acd"},
      {"ap-south-1", "abc"},     {"ap-northeast-2", "abcd"}, {"ap-northeast-3", "abc"},
      {"ap-southeast-1", "abc"}, {"ap-southeast-2", "abc"},
  };
  return letters;
}

// "us-west-1" -> "usw1", as zone ids begin.
std::string short_name(std::string_view region) {
  std::string out;
  std::string_view rest = region;
  bool first = true;
  while (!rest.empty()) {
    const auto dash = std::min(rest.find('-'), rest.size());
    const std::string_view part = rest.substr(0, dash);
    rest.remove_prefix(std::min(dash + 1, rest.size()));
    if (std::exchange(first, false)) {
      out += part;
    } else if (part == "northeast" || part == "southeast" || part == "northwest" ||
               part == "southwest") {
      out += {part[0], part[5]};
    } else if (!part.empty()) {
      out += part[0];
    }
  }
  return out;
}

}  // namespace

std::vector<Zone> zones_of(std::string_view region) {
  const auto found = zone_letters().find(region);
  const std::string letters = found == zone_letters().end() ? "abc" : found->second;
  std::vector<Zone> zones;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    zones.push_back({fmt::format("{}{}", region, letters[i]),
                     fmt::format("{}-az{}", short_name(region), i + 1)});
  }
  return zones;
}

const std::vector<std::string>& known_regions() {
  static const std::vector<std::string> regions = [] {
    std::vector<std::string> out;
    for (const auto& [name, letters] : zone_letters()) out.push_back(name);
    return out;
  }();
  return regions;
}

std::string internal_domain(std::string_view region) {
  return region == "us-east-1" ? "ec2.internal" : fmt::format("{}.compute.internal", region);
}

std::string public_domain(std::string_view region) {
  return region == "us-east-1" ? "compute-1.amazonaws.com"
                               : fmt::format("{}.compute.amazonaws.com", region);
}

}  // namespace landfall::ec2
