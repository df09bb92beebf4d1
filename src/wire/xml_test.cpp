#include "wire/xml.h"

#include <gtest/gtest.h>

#include "wire/test_services.h"

namespace landfall::wire::testing {
namespace {

TEST(Xml, WritesQueryAnswers) {
  iam::ListUsersResponse out;
  EXPECT_EQ(write(kIamService, "ListUsers", out),
            "<ListUsersResponse "
            "xmlns=\"http://x.amazonaws.com/doc/2014-10-31\"><ListUsersResult><Users></Users>"
            "</ListUsersResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></"
            "ListUsersResponse>");
  auto& user = out.users.emplace_back();
  user.user_name = "a<b>&\"c\"";
  user.create_date = from_unix_ms(1'795'255'898'000);
  user.password_last_used = from_unix_ms(1'795'255'898'103);
  out.is_truncated = false;
  const std::string body = write(kIamService, "ListUsers", out);
  EXPECT_NE(
      body.find("<Users><member><Path></Path><UserName>a&lt;b&gt;&amp;&quot;c&quot;</UserName>"),
      body.npos)
      << body;
  EXPECT_NE(body.find("<CreateDate>2026-11-21T10:11:38Z</CreateDate>"), body.npos) << body;
  EXPECT_NE(body.find("<PasswordLastUsed>2026-11-21T10:11:38.103Z</PasswordLastUsed>"), body.npos)
      << body;
  EXPECT_NE(body.find("<IsTruncated>false</IsTruncated>"), body.npos) << body;
  EXPECT_EQ(write(kIamService, "DeleteUser", iam::DeleteUserResponse{}),
            "<DeleteUserResponse "
            "xmlns=\"http://x.amazonaws.com/doc/2014-10-31\"><ResponseMetadata><RequestId>req-1</"
            "RequestId>"
            "</ResponseMetadata></DeleteUserResponse>");
}

TEST(Xml, NamesListItemsAsTheModelDoes) {
  rds::DescribeDBInstancesResponse out;
  out.db_instances.emplace_back().db_instance_identifier = "d";
  out.db_instances[0].db_security_groups.present = true;
  const std::string body = write(kRdsService, "DescribeDBInstances", out);
  EXPECT_NE(body.find("<DBInstances><DBInstance><DBInstanceIdentifier>d</DBInstanceIdentifier>"
                      "<DBSecurityGroups></DBSecurityGroups></DBInstance></DBInstances>"),
            body.npos)
      << body;
}

TEST(Xml, WritesEc2Answers) {
  ec2::DescribeVpcsResponse out;
  auto& vpc = out.vpcs.emplace_back();
  vpc.vpc_id = "vpc-1";
  vpc.tags.emplace_back().key = "k";
  EXPECT_EQ(
      write(kEc2Service, "DescribeVpcs", out),
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeVpcsResponse "
      "xmlns=\"http://x.amazonaws.com/doc/2014-10-31/\"><requestId>req-1</"
      "requestId><vpcSet><item><tagSet><item>"
      "<key>k</key></item></tagSet><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>");
  EXPECT_EQ(write(kEc2Service, "CreateTags", ec2::CreateTagsResponse{}),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CreateTagsResponse "
            "xmlns=\"http://x.amazonaws.com/doc/2014-10-31/\"><requestId>req-1</"
            "requestId><return>true</return>"
            "</CreateTagsResponse>");
}

TEST(Xml, WritesErrors) {
  EXPECT_EQ(write_error(kIamService, Protocol::query, {"NoSuchEntity", "no <user>", 404}, "r").body,
            "<ErrorResponse "
            "xmlns=\"http://x.amazonaws.com/doc/2014-10-31\"><Error><Type>Sender</"
            "Type><Code>NoSuchEntity</Code>"
            "<Message>no &lt;user&gt;</Message></Error><RequestId>r</RequestId></ErrorResponse>");
  EXPECT_EQ(write_error(kEc2Service, Protocol::ec2, {"InvalidVpcID.NotFound", "m", 400}, "r").body,
            "<?xml version=\"1.0\" "
            "encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code>"
            "<Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>");
  const auto ours = write_error(kEc2Service, Protocol::ec2, {"errno-ENOSPC", "disk", 500}, "r");
  EXPECT_EQ(ours.status, 500);
  EXPECT_NE(ours.body.find("<Code>InternalError</Code>"), ours.body.npos);
}

TEST(Xml, KeepsDocumentsWellFormed) {
  std::string out;
  write_xml_text("\x01 \r\n\t \xff", out);
  EXPECT_EQ(out, "\xef\xbf\xbd &#xD;\n\t \xef\xbf\xbd");
}

}  // namespace
}  // namespace landfall::wire::testing
