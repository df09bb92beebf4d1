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
  std::string internal_domain;      // "us-west-1.compute.internal"
  std::string public_domain;        // "us-west-1.compute.amazonaws.com"
  std::map<Ipv4, Ipv4> private_of;  // public -> private addresses of the VPC's own interfaces
  Ipv4 api;                         // where Landfall's API answers inside this VPC
};

struct Resolution {
  enum class Kind { answer, forward } kind = Kind::answer;
  Code code = Code::ok;
  std::vector<Record> records;  // none with Code::ok: the name exists, without such a record
};

// In this order: registered names; names of the VPC's interfaces; Landfall's own names and those of
// AWS's endpoints, which mean Landfall; everything else is for the host's resolvers.
Resolution resolve(const NameTable& names, const View& view, const Query& query);

}  // namespace landfall::host::dns
