#include <gtest/gtest.h>

#include "wire/sigv4/chunked.h"
#include "wire/sigv4/signer.h"
#include "wire/sigv4/verify.h"

namespace landfall::sigv4 {
namespace {

using Kind = Problem::Kind;

// The key pairs of AWS's documentation.
const Credentials kSuite{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const Credentials kS3{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};

TimePoint at(std::string_view text) { return *parse_time(text); }

http::Request request(std::string method, std::string path, std::string query,
                      std::vector<std::pair<std::string, std::string>> headers) {
  http::Request out;
  out.method = std::move(method);
  out.path = std::move(path);
  out.query = std::move(query);
  for (auto& [name, value] : headers) out.headers.add(name, value);
  return out;
}

std::string authorization(const Credentials& who, std::string_view scope, std::string_view headers,
                          std::string_view signature) {
  return fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                     who.access_key_id, scope, headers, signature);
}

Checked<void> check(const http::Request& in, const Credentials& who, TimePoint now,
                    std::string_view digest = kEmptyDigest) {
  KeyCache keys;
  auto claim = read_claim(in);
  if (!claim) return std::unexpected(claim.error());
  return verify(*claim, in, who.secret, digest, now, keys);
}

// aws-sig-v4-test-suite: get-vanilla and its relatives.
struct SuiteCase {
  const char* name;
  const char* method;
  const char* path;
  const char* query;
  std::vector<std::pair<std::string, std::string>> headers;
  const char* signed_headers;
  const char* signature;
};

class PublishedSuite : public testing::TestWithParam<SuiteCase> {};

TEST_P(PublishedSuite, Verifies) {
  const SuiteCase& c = GetParam();
  auto in = request(c.method, c.path, c.query,
                    {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}});
  for (const auto& [name, value] : c.headers) in.headers.add(name, value);
  in.headers.add("Authorization", authorization(kSuite, "20150830/us-east-1/service/aws4_request",
                                                c.signed_headers, c.signature));
  const auto good = check(in, kSuite, at("20150830T123600Z"));
  EXPECT_TRUE(good) << int(good.error().kind) << good.error().detail;
  in.method = "PUT";
  EXPECT_EQ(check(in, kSuite, at("20150830T123600Z")).error().kind, Kind::mismatch);
}

INSTANTIATE_TEST_SUITE_P(
    Aws, PublishedSuite,
    testing::Values(SuiteCase{"vanilla",
                              "GET",
                              "/",
                              "",
                              {},
                              "host;x-amz-date",
                              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
                    SuiteCase{"query-order",
                              "GET",
                              "/",
                              "Param2=value2&Param1=value1",
                              {},
                              "host;x-amz-date",
                              "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
                    SuiteCase{"unreserved",
                              "GET",
                              "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                              "",
                              {},
                              "host;x-amz-date",
                              "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
                    SuiteCase{"relative-relative",
                              "GET",
                              "/example1/example2/../..",
                              "",
                              {},
                              "host;x-amz-date",
                              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
                    SuiteCase{"slashes",
                              "GET",
                              "//example//",
                              "",
                              {},
                              "host;x-amz-date",
                              "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
                    SuiteCase{"multiline-order",
                              "GET",
                              "/",
                              "",
                              {{"My-Header1", "value4"},
                               {"My-Header1", "value1"},
                               {"My-Header1", "value3"},
                               {"My-Header1", "value2"}},
                              "host;my-header1;x-amz-date",
                              "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
                    SuiteCase{"header-trim",
                              "GET",
                              "/",
                              "",
                              {{"My-Header1", "   value1"}, {"My-Header2", "     \"a   b   c\"  "}},
                              "host;my-header1;my-header2;x-amz-date",
                              "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"}),
    [](const auto& param) {
      std::string name = param.param.name;
      std::ranges::replace(name, '-', '_');
      return name;
    });

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
TEST(S3Examples, GetWithRange) {
  const auto in = request(
      "GET", "/test.txt", "",
      {{"Host", "examplebucket.s3.amazonaws.com"},
       {"Range", "bytes=0-9"},
       {"x-amz-content-sha256", std::string(kEmptyDigest)},
       {"x-amz-date", "20130524T000000Z"},
       {"Authorization",
        authorization(kS3, "20130524/us-east-1/s3/aws4_request",
                      "host;range;x-amz-content-sha256;x-amz-date",
                      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")}});
  EXPECT_TRUE(check(in, kS3, at("20130524T000000Z")));
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
TEST(S3Examples, PresignedUrl) {
  auto in = request("GET", "/test.txt",
                    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%"
                    "2F20130524%2Fus-east-1%2F"
                    "s3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-"
                    "SignedHeaders=host&X-Amz-"
                    "Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
                    {{"Host", "examplebucket.s3.amazonaws.com"}});
  EXPECT_TRUE(check(in, kS3, at("20130524T235959Z")));
  EXPECT_EQ(check(in, kS3, at("20130525T000001Z")).error().kind, Kind::expired);
  EXPECT_EQ(check(in, kS3, at("20130523T233000Z")).error().kind, Kind::not_yet_valid);
  // An amz header that the URL's maker did not sign may not be slipped in.
  in.headers.add("x-amz-acl", "public-read");
  EXPECT_EQ(check(in, kS3, at("20130524T235959Z")).error().kind, Kind::unsigned_header);
}

// What botocore 1.43 signs, with a session token.
const Credentials kBoto{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                        "session/token=="};
constexpr std::string_view kNow = "20261121T101138Z";

http::Request boto(std::string method, std::string path, std::string query, std::string service,
                   std::string headers, std::string signature) {
  return request(std::move(method), std::move(path), std::move(query),
                 {{"Host", "127.0.0.1:4566"},
                  {"X-Amz-Date", std::string(kNow)},
                  {"X-Amz-Security-Token", kBoto.session_token},
                  {"Authorization",
                   authorization(kBoto, fmt::format("20261121/eu-west-1/{}/aws4_request", service),
                                 headers, signature)}});
}

TEST(Botocore, QueryPost) {
  auto in = boto("POST", "/", "", "sts", "content-type;host;x-amz-date;x-amz-security-token",
                 "6ff56e8d303eb93a862e22e4fbd7671a40a33cc6b44cb9aaeb1e45115c36ff8c");
  in.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  const std::string digest = sha256_hex("Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_TRUE(check(in, kBoto, at(kNow), digest));
  EXPECT_EQ(check(in, kBoto, at(kNow), sha256_hex("Action=Other")).error().kind, Kind::mismatch);
  EXPECT_EQ(read_claim(in)->session_token, kBoto.session_token);
}

TEST(Botocore, PathEncodedTwiceOutsideS3) {
  const auto in = boto("GET", "/2015-03-31/functions/a%3Ab%20c/../x//y/",
                       "b=2&a=%2Fx%20y&a=1&empty", "lambda", "host;x-amz-date;x-amz-security-token",
                       "3d606f5a901a2a3182f4ff00792b3b84a02abb9df7ddcd4870ef6608f6cf4431");
  EXPECT_TRUE(check(in, kBoto, at(kNow)));
}

TEST(Botocore, PathOnceAndAsItIsInS3) {
  auto in = boto("PUT", "/bucket/a%20b/../c//d%2B", "partNumber=1&uploadId=x", "s3",
                 "host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
                 "e2992a913bdafb9b85a77ffca55c61c87679fd260c87578ac6b151003068a447");
  in.headers.add("X-Amz-Content-SHA256",
                 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_TRUE(check(in, kBoto, at(kNow)));
}

TEST(Botocore, PresignedStsAndS3) {
  const std::string common =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Feu-west-1%2F{}%"
      "2Faws4_request"
      "&X-Amz-Date=20261121T101138Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
      "&X-Amz-Security-Token=session%2Ftoken%3D%3D&X-Amz-Signature={}";
  const auto sts =
      request("GET", "/",
              "Action=GetCallerIdentity&Version=2011-06-15&" +
                  fmt::format(fmt::runtime(common), "sts",
                              "5102bb298fe984a6dc8ac5475a1da13a8df582ac858fa51a1911f94a9864b76b"),
              {{"Host", "127.0.0.1:4566"}});
  EXPECT_TRUE(check(sts, kBoto, at(kNow)));
  const auto s3 =
      request("GET", "/bucket/key%20x",
              fmt::format(fmt::runtime(common), "s3",
                          "f7dc9060b5e728a873497f1d1ff2241cf27e84e18cef5bae645d48dc173d639f"),
              {{"Host", "127.0.0.1:4566"}});
  EXPECT_TRUE(check(s3, kBoto, at(kNow)));
}

TEST(Clock, FifteenMinutesEitherWay) {
  auto in = request("GET", "/", "", {{"Host", "h"}});
  sign(in, "", kSuite, {.region = "eu-west-1", .service = "ecs", .now = at(kNow)});
  const Millis most = std::chrono::minutes(15);
  EXPECT_TRUE(check(in, kSuite, at(kNow) + most));
  EXPECT_TRUE(check(in, kSuite, at(kNow) - most));
  const auto late = check(in, kSuite, at(kNow) + most + Millis(1000));
  EXPECT_EQ(late.error().kind, Kind::skewed);
  EXPECT_EQ(to_error(late.error(), Family::json).code, "InvalidSignatureException");
  EXPECT_EQ(to_error(late.error(), Family::json).message,
            "Signature expired: 20261121T101138Z is now earlier than 20261121T101139Z "
            "(20261121T102639Z - 15 min.)");
  EXPECT_EQ(to_error(late.error(), Family::s3).code, "RequestTimeTooSkewed");
  EXPECT_EQ(to_error(late.error(), Family::ec2).code, "RequestExpired");
  const auto early = check(in, kSuite, at(kNow) - most - Millis(1000));
  EXPECT_EQ(early.error().kind, Kind::not_yet_valid);
}

TEST(Claims, BrokenOnesAreNamed) {
  const auto kind = [](std::string value, std::string date = "20150830T123600Z") {
    auto in = request("GET", "/", "", {{"Host", "h"}, {"Authorization", std::move(value)}});
    if (!date.empty()) in.headers.add("X-Amz-Date", date);
    auto claim = read_claim(in);
    return claim ? std::string("fine") : to_error(claim.error(), Family::query).code;
  };
  const std::string credential = "Credential=AKID/20150830/us-east-1/sts/aws4_request";
  const std::string tail = ", SignedHeaders=host, Signature=" + std::string(64, 'a');
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 " + credential + tail), "fine");
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 " + credential), "IncompleteSignature");
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 garbage"), "IncompleteSignature");
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 Credential=AKID/sts/aws4_request" + tail),
            "IncompleteSignature");
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/sts/aws5" + tail),
            "IncompleteSignature");
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 " + credential + tail, ""), "IncompleteSignature");
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 " + credential + tail, "yesterday"), "IncompleteSignature");
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 " + credential + tail, "20150831T000000Z"),
            "SignatureDoesNotMatch");
  EXPECT_EQ(kind("AWS4-HMAC-SHA256 " + credential + ", SignedHeaders=host, Signature=short"),
            "SignatureDoesNotMatch");
  EXPECT_EQ(kind("Bearer abc"), "IncompleteSignature");
  EXPECT_EQ(kind("AWS AKID:c2ln"), "IncompleteSignature");
  EXPECT_EQ(kind(""), "MissingAuthenticationToken");
}

TEST(Claims, WhatMustBeSigned) {
  auto in = request("POST", "/", "", {{"Host", "h"}});
  sign(in, "{}", kSuite, {.region = "eu-west-1", .service = "ecs", .now = at(kNow)});
  in.headers.add("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DeleteService");
  const auto slipped = check(in, kSuite, at(kNow), sha256_hex("{}"));
  EXPECT_EQ(slipped.error().kind, Kind::unsigned_header);

  auto no_host = request("POST", "/", "", {{"Other", "h"}});
  sign(no_host, "{}", kSuite, {.region = "eu-west-1", .service = "ecs", .now = at(kNow)});
  no_host.headers.add("Host", "h");
  EXPECT_EQ(check(no_host, kSuite, at(kNow), sha256_hex("{}")).error().kind, Kind::unsigned_header);

  auto unsigned_body =
      request("POST", "/", "", {{"Host", "h"}, {"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"}});
  sign(unsigned_body, "", kSuite,
       {.region = "eu-west-1",
        .service = "ecs",
        .now = at(kNow),
        .payload = std::string(kUnsignedPayload)});
  EXPECT_EQ(check(unsigned_body, kSuite, at(kNow)).error().kind, Kind::mismatch);
}

TEST(Signing, OwnPresignedUrlVerifies) {
  auto in = request("GET", "/a b", "x=1", {{"Host", "h"}});
  in.path = "/a%20b";
  presign(in, kBoto, {.region = "eu-west-1", .service = "s3", .now = at(kNow)},
          std::chrono::seconds(60));
  EXPECT_TRUE(check(in, kBoto, at(kNow)));
  in.query += "&y=2";
  EXPECT_EQ(check(in, kBoto, at(kNow)).error().kind, Kind::mismatch);
}

TEST(Keys, CacheFollowsTheSecret) {
  KeyCache keys;
  const CredentialScope scope{"20150830", "us-east-1", "iam"};
  EXPECT_EQ(hex_encode(keys.key("A", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", scope)),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
  EXPECT_EQ(keys.key("A", "other", scope), derive_key("other", scope));
}

// ---- chunks ----

Claim claim_for(std::string_view payload, std::string signature,
                std::string_view scope_date = "20130524") {
  Claim claim;
  claim.scope = {std::string(scope_date), "us-east-1", "s3"};
  claim.amz_date = std::string(scope_date) + "T000000Z";
  claim.payload = payload;
  claim.signature = std::move(signature);
  return claim;
}

struct Decoded {
  Checked<void> result;
  std::string data;
  std::vector<std::pair<std::string, std::string>> trailers;
};

Decoded decode(const Claim& claim, std::string_view body, std::size_t step,
               std::optional<std::uint64_t> length = {}) {
  ChunkDecoder decoder(claim, derive_key(kS3.secret, claim.scope), length);
  Decoded out;
  while (!body.empty()) {
    out.result = decoder.feed(body.substr(0, step), out.data);
    if (!out.result) return out;
    body.remove_prefix(std::min(step, body.size()));
  }
  out.result = decoder.finish();
  out.trailers = decoder.trailers();
  return out;
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
const std::string kPublished =
    "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
    std::string(65536, 'a') +
    "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
    std::string(1024, 'a') +
    "\r\n0;chunk-signature="
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
const std::string kPublishedSeed =
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";

TEST(Chunks, PublishedExampleInAnyPieces) {
  const Claim claim = claim_for(kStreamingSigned, kPublishedSeed);
  for (std::size_t step : {std::size_t(1), std::size_t(7), std::size_t(4096), kPublished.size()}) {
    const Decoded got = decode(claim, kPublished, step, 66560);
    EXPECT_TRUE(got.result) << step;
    EXPECT_EQ(got.data, std::string(66560, 'a')) << step;
  }
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
TEST(Chunks, PublishedExampleWithTrailer) {
  const std::string body =
      "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" +
      std::string(65536, 'a') +
      "\r\n400;chunk-signature="
      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" +
      std::string(1024, 'a') +
      "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
      "x-amz-checksum-crc32c:sOO8/Q==\n\r\n"
      "x-amz-trailer-signature:"
      "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
  const Claim claim = claim_for(kStreamingSignedTrailer,
                                "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
  const Decoded got = decode(claim, body, 11, 66560);
  EXPECT_TRUE(got.result);
  ASSERT_EQ(got.trailers.size(), 1u);
  EXPECT_EQ(got.trailers[0].second, "sOO8/Q==");
  std::string changed = body;
  changed.replace(changed.find("sOO8"), 4, "AAAA");
  EXPECT_EQ(decode(claim, changed, 11).result.error().kind, Kind::mismatch);
}

TEST(Chunks, UnsignedWithTrailer) {
  const Claim claim = claim_for(kStreamingUnsignedTrailer, std::string(64, '0'));
  const Decoded got =
      decode(claim, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", 3, 5);
  EXPECT_TRUE(got.result);
  EXPECT_EQ(got.data, "hello");
  EXPECT_EQ(got.trailers.at(0).first, "x-amz-checksum-crc32");
}

TEST(Chunks, OwnFramingVerifies) {
  const SignOptions options{.region = "us-east-1", .service = "s3", .now = at("20130524T000000Z")};
  const std::string seed(64, 'b');
  const std::string body =
      chunk_body("hello world", 4, kS3, options, seed, {{"x-amz-checksum-crc32", "AAAA"}});
  EXPECT_EQ(decode(claim_for(kStreamingSignedTrailer, seed), body, 5, 11).data, "hello world");
}

TEST(Chunks, TamperingTruncationAndNoise) {
  const Claim claim = claim_for(kStreamingSigned, kPublishedSeed);
  std::string flipped = kPublished;
  flipped[200] = 'b';
  EXPECT_EQ(decode(claim, flipped, 4096).result.error().kind, Kind::mismatch);
  EXPECT_EQ(decode(claim, kPublished.substr(0, 40'000), 4096).result.error().kind,
            Kind::incomplete_body);
  // Cut after a whole chunk: every byte so far is authentic, and the body is still not complete.
  EXPECT_EQ(decode(claim, kPublished.substr(0, kPublished.find("\r\n400;") + 2), 4096)
                .result.error()
                .kind,
            Kind::incomplete_body);
  EXPECT_EQ(decode(claim, kPublished + "x", 4096).result.error().kind, Kind::malformed_chunk);
  EXPECT_EQ(decode(claim, "zz\r\n", 4).result.error().kind, Kind::malformed_chunk);
  EXPECT_EQ(decode(claim, "ffffffffffffffff0\r\n", 4).result.error().kind, Kind::malformed_chunk);
  EXPECT_EQ(decode(claim, std::string(10'000, '1'), 4).result.error().kind, Kind::malformed_chunk);
  EXPECT_EQ(decode(claim, "5\r\nhello\r\n", 4).result.error().kind, Kind::malformed_chunk);
  EXPECT_EQ(decode(claim, kPublished, 4096, 100).result.error().kind, Kind::malformed_chunk);
  EXPECT_EQ(decode(claim, kPublished, 4096, 100'000).result.error().kind, Kind::incomplete_body);
}

TEST(Payload, DigestIsChecked) {
  Claim claim = claim_for(sha256_hex("hello"), "");
  PayloadCheck good(claim);
  good.update("hel");
  good.update("lo");
  EXPECT_TRUE(good.finish());
  PayloadCheck bad(claim);
  bad.update("hellO");
  EXPECT_EQ(bad.finish().error().kind, Kind::payload_mismatch);
  claim.payload = kUnsignedPayload;
  PayloadCheck any(claim);
  any.update("anything");
  EXPECT_TRUE(any.finish());
}

}  // namespace
}  // namespace landfall::sigv4
