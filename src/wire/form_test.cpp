#include <gtest/gtest.h>

#include "wire/test_services.h"

namespace landfall::wire::testing {
namespace {

std::string error_of(const Result<Object>& result) {
  return result ? "no error" : fmt::format("{}: {}", result.error().code, result.error().message);
}

TEST(Form, ReadsEc2Lists) {
  auto input = read(
      kEc2Service, form_request(),
      "Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1&VpcId.2=vpc-2&Filter.1.Name=tag%3AName&"
      "Filter.1.Value.2=b&Filter.1.Value.10=c&Filter.1.Value.1=a+b&MaxResults=5");
  ASSERT_TRUE(input) << error_of(input);
  const auto& in = input->as<ec2::DescribeVpcsRequest>();
  EXPECT_EQ(in.vpc_ids, (std::vector<std::string>{"vpc-1", "vpc-2"}));
  ASSERT_EQ(in.filters.size(), 1u);
  EXPECT_EQ(in.filters[0].name, "tag:Name");
  EXPECT_EQ(in.filters[0].values, (std::vector<std::string>{"a b", "b", "c"}));
  EXPECT_EQ(in.max_results, 5);
  EXPECT_EQ(in.dry_run, std::nullopt);
}

TEST(Form, ReadsEc2NamesThatDifferFromTheMembers) {
  auto input =
      read(kEc2Service, form_request(),
           "Action=AuthorizeSecurityGroupIngress&GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&"
           "IpPermissions.1.FromPort=8000&IpPermissions.1.Groups.1.GroupId=sg-2&"
           "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%2F0&DryRun=true");
  ASSERT_TRUE(input) << error_of(input);
  const auto& in = input->as<ec2::AuthorizeSecurityGroupIngressRequest>();
  EXPECT_EQ(in.ip_permissions[0].from_port, 8000);
  EXPECT_EQ(in.ip_permissions[0].user_id_group_pairs[0].group_id, "sg-2");
  EXPECT_EQ(in.ip_permissions[0].ip_ranges[0].cidr_ip, "0.0.0.0/0");
  EXPECT_EQ(in.dry_run, true);
  auto attribute = read(kEc2Service, form_request(),
                        "Action=ModifyVpcAttribute&VpcId=v&EnableDnsSupport.Value=false");
  ASSERT_TRUE(attribute);
  EXPECT_EQ(attribute->as<ec2::ModifyVpcAttributeRequest>().enable_dns_support->value, false);
}

TEST(Form, ReadsQueryListsWithTheirStepOrWithout) {
  const char* const bodies[] = {
      "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=k&Tags."
      "member.1.Value=v",
      "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D&Tags.1.Key=k&Tags.1.Value=v",
  };
  for (const char* body : bodies) {
    auto input = read(kIamService, form_request(), body);
    ASSERT_TRUE(input) << error_of(input);
    const auto& in = input->as<iam::CreateRoleRequest>();
    ASSERT_EQ(in.tags.size(), 1u);
    EXPECT_EQ(in.tags[0].value, "v");
  }
  auto rds = read(kRdsService, form_request(),
                  "Action=CreateDBInstance&DBInstanceIdentifier=d&DBInstanceClass=c&Engine="
                  "postgres&AllocatedStorage=20&"
                  "VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1&Tags.Tag.1.Key=k&"
                  "PubliclyAccessible=true&DBSecurityGroups=");
  ASSERT_TRUE(rds) << error_of(rds);
  const auto& in = rds->as<rds::CreateDBInstanceRequest>();
  EXPECT_EQ(in.vpc_security_group_ids, (std::vector<std::string>{"sg-1"}));
  EXPECT_EQ(in.tags[0].key, "k");
  EXPECT_EQ(in.allocated_storage, 20);
  EXPECT_TRUE(in.db_security_groups.present);
  EXPECT_TRUE(in.db_security_groups.empty());
}

TEST(Form, ReadsTheQueryStringOfAGet) {
  http::Request request{.method = "GET",
                        .path = "/",
                        .query = "Action=ListUsers&MaxItems=7",
                        .headers = {},
                        .client = {}};
  auto input = read(kIamService, request, "");
  ASSERT_TRUE(input) << error_of(input);
  EXPECT_EQ(input->as<iam::ListUsersRequest>().max_items, 7);
}

TEST(Form, SaysWhatIsMissingOrWrongAsEachServiceDoes) {
  EXPECT_EQ(error_of(read(kEc2Service, form_request(), "Action=CreateTags")),
            "MissingParameter: The request must contain the parameter ResourceId");
  EXPECT_EQ(error_of(read(kEc2Service, form_request(), "Action=DescribeVpcs&MaxResults=many")),
            "InvalidParameterValue: Value (many) for parameter MaxResults is invalid.");
  EXPECT_EQ(error_of(read(kEc2Service, form_request(), "Action=DescribeVpcs&MaxResults=1")),
            "InvalidParameterValue: Value (1) for parameter MaxResults is invalid. Member must "
            "have value greater than or equal "
            "to 5");
  EXPECT_EQ(error_of(read(kRdsService, form_request(), "Action=CreateDBInstance")),
            "MissingParameter: The request must contain the parameter DBInstanceIdentifier");
  EXPECT_EQ(error_of(read(kIamService, form_request(), "Action=ListUsers&MaxItems=0")),
            "ValidationError: 1 validation error detected: Value '0' at 'maxItems' failed to "
            "satisfy constraint: Member must "
            "have value greater than or equal to 1");
  EXPECT_EQ(error_of(read(kIamService, form_request(),
                          "Action=CreateRole&RoleName=a+b&AssumeRolePolicyDocument=x")),
            "ValidationError: 1 validation error detected: Value 'a b' at 'roleName' failed to "
            "satisfy constraint: Member must "
            "satisfy regular expression pattern: [\\w+=,.@-]+");
}

TEST(Form, RefusesWhatNamesNoOperation) {
  EXPECT_EQ(read(kIamService, form_request(), "").error().code, "MissingAction");
  EXPECT_EQ(error_of(read(kIamService, form_request(), "Action=Nonsense")),
            "InvalidAction: The action Nonsense is not valid for this web service.");
  EXPECT_EQ(read(kIamService, form_request(), "Action=StartThing").error().code, "NotImplemented");
  EXPECT_EQ(read(kIamService, form_request(), "Action=ListUsers&Version=1999-01-01").error().code,
            "InvalidAction");
  EXPECT_EQ(read(kIamService, form_request(), "Action=%zz").error().code, "MalformedQueryString");
  EXPECT_EQ(read(kIamService, form_request(), "Action=ListUsers&Marker=%ff").error().code,
            "MalformedQueryString");
  const std::string deep = "Action=ListUsers&a" + [] {
    std::string out;
    for (int i = 0; i < 100000; ++i) out += ".a";
    return out;
  }() + "=1";
  EXPECT_EQ(read(kIamService, form_request(), deep).error().code, "MalformedQueryString");
}

TEST(Form, NeverShowsAPassword) {
  const auto result = read(kRdsService, form_request(),
                           "Action=CreateDBInstance&DBInstanceIdentifier=d&DBInstanceClass=c&"
                           "Engine=e&EngineLifecycleSupport=x&"
                           "MasterUserPassword=" +
                               std::string(5000, 's'));
  if (!result)
    EXPECT_EQ(result.error().message.find("sss"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace landfall::wire::testing
