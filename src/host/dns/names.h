// Which names mean what, seen from where.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/dns/message.h"

namespace landfall::host::dns {

// What a service registered.
struct Name {
  std::string vpc_id;  // inside it the name means `inside`, elsewhere `outside`
  std::vector<Ipv4> inside;
  std::vector<Ipv4> outside;  // empty: the private addresses are answered there too, as AWS does
  bool operator==(const Name&) const = default;
};

using NameTable = std::map<std::string, Name, std::less<>>;  // lower case, no final dot

// From where one looks.
struct View {
  std::string vpc_id;
  std::vector<Cidr> blocks;
  std::string internal_domain;  // "us-west-1.compute.internal"
  Ipv4 api;                     // where Landfall's API answers inside this VPC
  // The VPC's enableDnsHostnames: whether it has private host names and private zones.
  // https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
  bool hostnames = true;
  // Names with a meaning of their own in this VPC: of interface endpoints. "*.x" is any label and
  // x.
  std::map<std::string, std::vector<Ipv4>, std::less<>> own_names = {};
  bool operator==(const View&) const = default;
};

struct Resolution {
  enum class Kind { answer, forward } kind = Kind::answer;
  Code code = Code::ok;
  std::vector<Record> records;  // none with Code::ok: the name exists, without such a record
};

// What the VPC itself means by a name; null: nothing.
const std::vector<Ipv4>* own_name(const View& view, std::string_view name);

// In this order: the VPC's own names; registered names; names of the VPC's interfaces; Landfall's
// own names and those of AWS's endpoints, which mean Landfall; everything else is for the host's
// resolvers. Several addresses come in an order that the query's id turns.
Resolution resolve(const NameTable& names, const View& view, const Query& query);

}  // namespace landfall::host::dns
