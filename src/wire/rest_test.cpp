#include "wire/rest.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "wire/exchange.h"

#pragma clang diagnostic ignored "-Winvalid-offsetof"

namespace landfall::wire::testing {

// A small service of our own, with a member in every place that the REST protocols know.
struct Inner {
  static const Shape kShape;
  std::optional<std::string> id;
  std::optional<std::int32_t> size;
};
struct Thing {
  static const Shape kShape;
  std::string bucket;
  std::optional<std::string> key;
  List<std::string> tags;
  Map<std::string> rest;
  std::optional<std::int32_t> limit;
  std::optional<TimePoint> since;
  List<std::string> words;
  Map<std::string> meta;
  std::optional<std::int32_t> status;
  std::optional<std::string> name;
  std::optional<Inner> inner;
  List<Inner> flat;
  Map<std::string> pairs;
};
struct Raw {
  static const Shape kShape;
  std::optional<std::string> type;
  std::optional<std::string> bytes;
};

namespace {

constexpr StructureOps kInnerOps{.look = StructureOpsOf<Inner>::look,
                                 .place = StructureOpsOf<Inner>::place};
constexpr StructureOps kThingOps{.make = StructureOpsOf<Thing>::make,
                                 .destroy = StructureOpsOf<Thing>::destroy};
constexpr StructureOps kRawOps{.make = StructureOpsOf<Raw>::make,
                               .destroy = StructureOpsOf<Raw>::destroy};
constexpr Shape kStrings{.kind = Kind::list,
                         .name = "Strings",
                         .element = &kString,
                         .list = &ListOpsOf<std::string>::ops};
constexpr Shape kInners{.kind = Kind::list,
                        .name = "Inners",
                        .element = &Inner::kShape,
                        .list = &ListOpsOf<Inner>::ops};
constexpr Shape kPairs{.kind = Kind::map,
                       .name = "Pairs",
                       .element = &kString,
                       .key = &kString,
                       .map = &MapOpsOf<std::string>::ops};

template <class T>
constexpr Member member(std::string_view name, std::size_t offset, const Shape& shape,
                        T Member::* flag) {
  Member out{.name = name,
             .location_name = name,
             .query_name = name,
             .shape = &shape,
             .offset = std::uint32_t(offset)};
  if constexpr (std::is_same_v<T, bool>) out.*flag = true;
  return out;
}

constexpr Member at(Member member, Location location, std::string_view name) {
  member.location = location;
  member.location_name = name;
  return member;
}

constexpr Member flat(Member member) {
  member.flattened = true;
  return member;
}

constexpr Member kInnerMembers[] = {
    [] {
      Member out = member("Id", offsetof(Inner, id), kString, &Member::optional);
      out.xml_attribute = true;
      return out;
    }(),
    member("Size", offsetof(Inner, size), kInt32, &Member::optional),
};
constexpr Member kThingMembers[] = {
    at(member("Bucket", offsetof(Thing, bucket), kString, &Member::required), Location::uri,
       "Bucket"),
    at(member("Key", offsetof(Thing, key), kString, &Member::optional), Location::uri, "Key"),
    at(member("Tags", offsetof(Thing, tags), kStrings, &Member::shape), Location::query_string,
       "tag"),
    at(member("Rest", offsetof(Thing, rest), kPairs, &Member::shape), Location::query_string, ""),
    at(member("Limit", offsetof(Thing, limit), kInt32, &Member::optional), Location::query_string,
       "limit"),
    at(member("Since", offsetof(Thing, since), kTimestamp, &Member::optional), Location::header,
       "If-Modified-Since"),
    at(member("Words", offsetof(Thing, words), kStrings, &Member::shape), Location::header,
       "X-Words"),
    at(member("Meta", offsetof(Thing, meta), kPairs, &Member::shape), Location::headers,
       "x-amz-meta-"),
    at(member("Status", offsetof(Thing, status), kInt32, &Member::optional), Location::status, ""),
    member("Name", offsetof(Thing, name), kString, &Member::optional),
    member("Inner", offsetof(Thing, inner), Inner::kShape, &Member::optional),
    flat(member("Flat", offsetof(Thing, flat), kInners, &Member::shape)),
    member("Pairs", offsetof(Thing, pairs), kPairs, &Member::shape),
};
constexpr Member kRawMembers[] = {
    at(member("Type", offsetof(Raw, type), kString, &Member::optional), Location::header,
       "Content-Type"),
    member("Bytes", offsetof(Raw, bytes), kBlob, &Member::optional),
};

constexpr Operation rest(std::string_view name, std::string_view method, std::string_view uri,
                         const Shape& shape) {
  return {name, &shape, &shape, true, {}, method, uri, 200, false, {}, {}, nullptr};
}

const Operation kOperations[] = {
    rest("GetKey", "GET", "/{Bucket}/{Key+}", Thing::kShape),
    rest("GetUploads", "GET", "/{Bucket}/{Key+}?uploads", Thing::kShape),
    rest("List", "GET", "/{Bucket}", Thing::kShape),
    rest("ListSecond", "GET", "/{Bucket}?list-type=2", Thing::kShape),
    rest("ListThings", "GET", "/things/{Bucket}/all", Thing::kShape),
    rest("PutKey", "PUT", "/{Bucket}/{Key+}", Thing::kShape),
    rest("PutRaw", "PUT", "/raw", Raw::kShape),
};

ServiceModel service(Protocol protocol) {
  ServiceModel out{};
  out.name = out.full_name = "things";
  out.xml_namespace = "http://x/";
  out.protocol = protocol;
  static constexpr Protocol kJson[] = {Protocol::rest_json}, kXml[] = {Protocol::rest_xml};
  out.protocols = protocol == Protocol::rest_json ? kJson : kXml;
  out.validation_code = "ValidationException";
  out.operations = kOperations;
  return out;
}

const ServiceModel kJsonService = service(Protocol::rest_json);
const ServiceModel kXmlService = service(Protocol::rest_xml);

http::Request request(std::string method, std::string path, std::string query = {}) {
  return {.method = std::move(method),
          .path = std::move(path),
          .query = std::move(query),
          .headers = {},
          .client = {}};
}

Result<Object> read(const ServiceModel& service, const http::Request& request,
                    std::string_view body = {}) {
  LF_TRY(call, identify(service, request, body));
  return read_input(service, *find_operation(service, call.operation), call, request, body);
}

std::string chosen(const http::Request& request) {
  const auto call = identify(kXmlService, request, "");
  return call ? call->operation : call.error().code;
}

TEST(Rest, ChoosesTheMostSpecificOperation) {
  EXPECT_EQ(chosen(request("GET", "/b/a/long%2Fkey")), "GetKey");
  EXPECT_EQ(chosen(request("GET", "/b/k", "uploads")), "GetUploads");
  EXPECT_EQ(chosen(request("GET", "/b")), "List");
  EXPECT_EQ(chosen(request("GET", "/b/")), "List");
  EXPECT_EQ(chosen(request("GET", "/b", "list-type=2&prefix=x")), "ListSecond");
  EXPECT_EQ(chosen(request("GET", "/b", "list-type=1")), "List");
  EXPECT_EQ(chosen(request("GET", "/things/x/all")), "ListThings");
  EXPECT_EQ(chosen(request("PUT", "/raw")), "PutRaw");
  EXPECT_EQ(chosen(request("DELETE", "/b")), "UnknownOperationException");
  EXPECT_EQ(chosen(request("GET", "/")), "UnknownOperationException");
  EXPECT_EQ(chosen(request("GET", "/%zz")), "UnknownOperationException");
  EXPECT_EQ(chosen(request("GET", "/%ff")), "UnknownOperationException");
}

TEST(Rest, ReadsEveryLocation) {
  auto in = request("PUT", "/my%20bucket/a/b%2Bc", "tag=x&tag=y%20z&limit=3&other=o");
  in.headers.add("if-modified-since", "Sat, 21 Nov 2026 10:11:38 GMT");
  in.headers.add("x-words", "a, \"b, \\\"c\\\"\" ,d");
  in.headers.add("X-Amz-Meta-Colour", "red");
  auto input = read(kJsonService, in, R"({"Name":"n","Inner":{"Size":4},"Pairs":{"k":"v"}})");
  ASSERT_TRUE(input) << input.error().message;
  const auto& thing = input->as<Thing>();
  EXPECT_EQ(thing.bucket, "my bucket");
  EXPECT_EQ(thing.key, "a/b+c");
  EXPECT_EQ(thing.tags, (std::vector<std::string>{"x", "y z"}));
  EXPECT_EQ(thing.rest, (std::map<std::string, std::string>{{"other", "o"}}));
  EXPECT_EQ(thing.limit, 3);
  EXPECT_EQ(thing.since, from_unix_ms(1'795'255'898'000));
  EXPECT_EQ(thing.words, (std::vector<std::string>{"a", "b, \"c\"", "d"}));
  EXPECT_EQ(thing.meta, (std::map<std::string, std::string>{{"Colour", "red"}}));
  EXPECT_EQ(thing.inner->size, 4);
  EXPECT_EQ(thing.pairs.at("k"), "v");
}

TEST(Rest, ReadsXmlBodies) {
  auto input = read(kXmlService, request("PUT", "/b/k"),
                    "<?xml version='1.0'?><x:Thing xmlns:x='http://x/'><Name>a &lt; b</Name><Inner "
                    "Id='i'><Size>4</Size></Inner>"
                    "<Flat><Size>1</Size></Flat><Flat "
                    "Id='2'/><Pairs><entry><key>k</key><value>v</value></entry></Pairs></x:Thing>");
  ASSERT_TRUE(input) << input.error().message;
  const auto& thing = input->as<Thing>();
  EXPECT_EQ(thing.name, "a < b");
  EXPECT_EQ(thing.inner->id, "i");
  ASSERT_EQ(thing.flat.size(), 2u);
  EXPECT_EQ(thing.flat[0].size, 1);
  EXPECT_EQ(thing.flat[1].id, "2");
  EXPECT_EQ(thing.pairs.at("k"), "v");
  for (const char* bad : {"<a>", "nonsense", "<a><Inner><Size>x</Size></Inner></a>", "<a>\xff</a>",
                          "<a><Pairs><entry/></Pairs></a>"}) {
    auto refused = read(kXmlService, request("PUT", "/b/k"), bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, "MalformedXML");
  }
}

TEST(Rest, RefusesWhatCannotBeRead) {
  EXPECT_FALSE(read(kJsonService, request("GET", "/b", "limit=many")));
  EXPECT_FALSE(read(kJsonService, request("PUT", "/b/k"), "{\"Name\":1}"));
  auto in = request("GET", "/b");
  in.headers.add("If-Modified-Since", "yesterday");
  EXPECT_FALSE(read(kJsonService, in));
}

TEST(Rest, WritesEveryLocation) {
  Thing thing;
  thing.status = 206;
  thing.since = from_unix_ms(1'795'255'898'000);
  thing.words = {"a", "b,c"};
  thing.meta["colour"] = "red\r\nSet-Cookie: x";
  thing.name = "n";
  thing.inner.emplace().id = "i";
  thing.flat.emplace_back().size = 1;
  const auto json =
      write_output(kJsonService, kOperations[0], Protocol::rest_json, Object::of(thing), "r");
  EXPECT_EQ(json.status, 206);
  EXPECT_EQ(json.headers.get("If-Modified-Since"), "Sat, 21 Nov 2026 10:11:38 GMT");
  EXPECT_EQ(json.headers.get("X-Words"), "a, \"b,c\"");
  EXPECT_EQ(json.headers.get("x-amz-meta-colour"), "red  Set-Cookie: x");
  EXPECT_EQ(json.headers.get("Content-Type"), "application/json");
  EXPECT_EQ(json.body, R"({"Name":"n","Inner":{"Id":"i"},"Flat":[{"Size":1}],"Pairs":{}})");
  const auto xml =
      write_output(kXmlService, kOperations[0], Protocol::rest_xml, Object::of(thing), "r");
  EXPECT_EQ(xml.body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Thing "
            "xmlns=\"http://x/\"><Name>n</Name><Inner Id=\"i\"></Inner>"
            "<Flat><Size>1</Size></Flat><Pairs></Pairs></Thing>");
}

TEST(Rest, CarriesPayloadsAsTheyAre) {
  const std::string bytes("\x00\xff<raw>", 7);
  auto input = read(kXmlService, request("PUT", "/raw"), bytes);
  ASSERT_TRUE(input);
  EXPECT_EQ(input->as<Raw>().bytes, bytes);
  const auto answer = write_output(kXmlService, kOperations[6], Protocol::rest_xml,
                                   Object::of(Raw{{}, bytes}), "r");
  EXPECT_EQ(answer.body, bytes);
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/octet-stream");
  const auto typed = write_output(kXmlService, kOperations[6], Protocol::rest_xml,
                                  Object::of(Raw{"text/css", bytes}), "r");
  EXPECT_EQ(typed.headers.get("Content-Type"), "text/css");
}

TEST(Rest, WritesErrors) {
  const auto json = write_error(kJsonService, Protocol::rest_json, {"NotFound", "gone", 404}, "r");
  EXPECT_EQ(json.headers.get("x-amzn-ErrorType"), "NotFound");
  EXPECT_EQ(json.status, 404);
  ServiceModel bare = kXmlService;
  bare.bare_xml_errors = true;
  EXPECT_EQ(write_error(bare, Protocol::rest_xml, {"NoSuchKey", "gone", 404}, "r").body,
            "<?xml version=\"1.0\" "
            "encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>gone</"
            "Message><RequestId>r</RequestId>"
            "</Error>");
}

}  // namespace

constinit const Shape Inner::kShape{
    .kind = Kind::structure, .name = "Inner", .members = kInnerMembers, .structure = &kInnerOps};
constinit const Shape Thing::kShape{
    .kind = Kind::structure, .name = "Thing", .members = kThingMembers, .structure = &kThingOps};
constinit const Shape Raw::kShape{.kind = Kind::structure,
                                  .name = "Raw",
                                  .members = kRawMembers,
                                  .payload = "Bytes",
                                  .structure = &kRawOps};

}  // namespace landfall::wire::testing
