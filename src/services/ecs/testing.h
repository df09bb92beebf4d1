// For unit tests: ECS with its controllers over a real store and fakes of its neighbours.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include "host/containers/fake_containers.h"
#include "io/files.h"
#include "services/ecs/controller/service_controller.h"
#include "services/ecs/controller/task_controller.h"
#include "store/testing.h"

namespace landfall::ecs {

class FakeEc2 final : public ec2::Port {
 public:
  std::map<std::string, ec2::Interface> interfaces;  // by owner
  std::optional<Error> allocate_error;

  std::optional<ec2::SubnetInfo> find_subnet(const Scope&, std::string_view id) override {
    if (id != "subnet-a" && id != "subnet-b") return {};
    return ec2::SubnetInfo{.id = std::string(id),
                           .vpc_id = "vpc-1",
                           .availability_zone = id == "subnet-a" ? "a" : "b"};
  }
  std::vector<ec2::SubnetInfo> subnets_of(const Scope&, std::string_view) override { return {}; }
  std::optional<ec2::VpcInfo> find_vpc(const Scope&, std::string_view) override { return {}; }
  std::optional<std::string> vpc_of_security_group(const Scope&, std::string_view id) override {
    return id == "sg-1" ? std::optional<std::string>("vpc-1") : std::nullopt;
  }
  task<Result<ec2::VpcInfo>> default_vpc(Scope) override { co_return ec2::VpcInfo{}; }
  std::vector<std::string> availability_zones(std::string_view) override { return {"a", "b"}; }
  task<Result<ec2::Interface>> allocate_interface(ec2::InterfaceRequest request) override {
    if (allocate_error) co_return std::unexpected(*allocate_error);
    auto [at, fresh] = interfaces.try_emplace(request.owner);
    if (fresh) {
      at->second.id = fmt::format("eni-{}", ++next_);
      at->second.owner = request.owner;
      at->second.subnet_id = request.subnet_id;
      at->second.private_address = *Ipv4::parse(fmt::format("10.0.0.{}", 9 + next_));
      at->second.private_dns_name = "ip-10-0-0-10";
      at->second.namespace_path = "/run/netns/fake";
    }
    co_return at->second;
  }
  std::optional<ec2::Interface> find_interface(const Scope&, std::string_view id) override {
    for (const auto& [owner, interface] : interfaces) {
      if (interface.id == id) return interface;
    }
    return {};
  }
  std::optional<ec2::Interface> find_interface_at(const Scope&, std::string_view vpc_id,
                                                  Ipv4 address) override {
    for (const auto& [owner, interface] : interfaces) {
      if (interface.vpc_id == vpc_id && interface.private_address == address) return interface;
    }
    return {};
  }
  std::vector<ec2::Interface> interfaces_of(const Scope&, std::string_view prefix) override {
    std::vector<ec2::Interface> out;
    for (const auto& [owner, interface] : interfaces) {
      if (owner.starts_with(prefix)) out.push_back(interface);
    }
    return out;
  }
  task<Result<ec2::Interface>> wait_ready(Scope scope, std::string id, Millis) override {
    co_return *find_interface(scope, id);
  }
  task<Result<void>> set_security_groups(Scope, std::string, std::vector<std::string>) override {
    co_return Result<void>();
  }
  task<Result<ec2::Interface>> set_public_address(Scope scope, std::string id, bool) override {
    co_return *find_interface(scope, id);
  }
  task<Result<void>> delete_interface(Scope, std::string id) override {
    std::erase_if(interfaces, [&](const auto& entry) { return entry.second.id == id; });
    co_return Result<void>();
  }
  task<Result<void>> register_name(ec2::DnsName) override { co_return Result<void>(); }
  task<Result<void>> unregister_names(Scope, std::string) override { co_return Result<void>(); }
  std::optional<ec2::NamedPlace> find_name(const Scope&, std::string_view name) override {
    const auto found = names.find(std::string(name));
    return found == names.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::string, ec2::NamedPlace> names;
  void add_listener(ec2::VpcListener) override {}
  ec2::Reachability reachability(const Scope&, const ec2::Peer&, const ec2::Peer&, std::string_view,
                                 std::uint16_t) override {
    return reachable;
  }
  ec2::Reachability reachable{.allowed = true};

 private:
  int next_ = 0;
};

class FakeIam final : public iam::Port {
 public:
  std::set<std::string> missing_roles;
  std::set<std::string> denied;  // actions

  sigv4::Checked<std::shared_ptr<const iam::Identity>> find_identity(const std::string&,
                                                                     const std::string&,
                                                                     TimePoint) override {
    return std::make_shared<const iam::Identity>();
  }
  Result<void> authorize(const iam::Identity&, const RequestContext&, const iam::Access&) override {
    return {};
  }
  Result<void> authorize(const RequestContext&, const iam::Access&) override { return {}; }
  Result<std::shared_ptr<const iam::Identity>> identity_of(const RequestContext&) override {
    return std::make_shared<const iam::Identity>();
  }
  Result<void> check_pass_role(const RequestContext&, const std::string&,
                               const std::string&) override {
    if (denied.contains("iam:PassRole"))
      return fail("AccessDenied", "not authorized to perform: iam:PassRole", 403);
    return {};
  }
  Result<void> check_role(const std::string& role, const std::string&) override {
    if (missing_roles.contains(role)) return fail("role-not-found", "no such role");
    return {};
  }
  Result<iam::RoleCredentials> assume_for_service(const std::string& role, const std::string&,
                                                  const std::string& session,
                                                  std::chrono::seconds) override {
    return iam::RoleCredentials{.access_key_id = "ASIAFAKE",
                                .secret_access_key = "secret",
                                .session_token = session,
                                .assumed_role_arn = role};
  }
  Result<void> authorize_role(const std::string&, const std::string&,
                              const iam::Access& access) override {
    if (denied.contains(access.action))
      return fail("AccessDenied", "denied: " + access.action, 403);
    return {};
  }
  std::optional<iam::RoleFacts> find_role(const std::string&, const std::string& name) override {
    if (missing_roles.contains(name)) return {};
    return iam::RoleFacts{.arn = name};
  }
  std::optional<iam::InstanceProfileFacts> find_instance_profile(const std::string&,
                                                                 const std::string&) override {
    return {};
  }
  task<Result<std::string>> ensure_service_linked_role(std::string, std::string) override {
    co_return "";
  }
  iam::IssuedToken issue_token(const RequestContext&, const std::string&, TimePoint) override {
    return {};
  }
  Result<std::shared_ptr<const iam::Identity>> redeem_token(const std::string&, const std::string&,
                                                            TimePoint) override {
    return fail("token-invalid", "");
  }
};

class FakeBalancers final : public elbv2::Port {
 public:
  std::map<std::string, elbv2::TargetGroupInfo> groups;
  std::map<std::string, elbv2::Health> health;  // "GROUP ADDRESS:PORT" of what is registered

  std::optional<elbv2::TargetGroupInfo> find_target_group(const Scope&,
                                                          std::string_view arn) override {
    const auto found = groups.find(std::string(arn));
    return found == groups.end() ? std::nullopt : std::optional(found->second);
  }
  task<Result<void>> register_target(Scope, std::string group, std::string id, int port) override {
    if (!groups.contains(group)) co_return fail("TargetGroupNotFound", "no such target group");
    health.try_emplace(fmt::format("{} {}:{}", group, id, port), elbv2::Health{"initial", "", ""});
    co_return Result<void>();
  }
  task<Result<void>> deregister_target(Scope, std::string group, std::string id,
                                       int port) override {
    const auto found = health.find(fmt::format("{} {}:{}", group, id, port));
    if (found != health.end()) found->second.state = "draining";
    co_return Result<void>();
  }
  elbv2::Health target_health(const Scope&, std::string_view group, std::string_view id,
                              int port) override {
    const auto found = health.find(fmt::format("{} {}:{}", group, id, port));
    return found == health.end() ? elbv2::Health{"unused", "Target.NotRegistered", ""}
                                 : found->second;
  }
  std::vector<elbv2::TargetInfo> targets(const Scope&, std::string_view) override { return {}; }
  std::map<std::string, elbv2::Weights> rules;
  std::optional<elbv2::Weights> traffic(const Scope&, std::string_view rule) override {
    const auto found = rules.find(std::string(rule));
    return found == rules.end() ? std::nullopt : std::optional(found->second);
  }
  task<Result<void>> set_traffic(Scope, std::string rule, elbv2::Weights weights) override {
    if (!rules.contains(rule)) co_return fail("RuleNotFound", "no such rule");
    rules[rule] = std::move(weights);
    co_return Result<void>();
  }
  void add_health_listener(std::function<void()> changed) override {
    listeners.push_back(std::move(changed));
  }
  void tell() {
    for (const auto& listener : listeners) listener();
  }
  std::vector<std::function<void()>> listeners;
};

class FakeLogs final : public logs::Port {
 public:
  std::set<std::string> groups = {"/ecs/app"};
  std::vector<std::string> lines;
  bool group_exists(const Scope&, const std::string& group) const override {
    return groups.contains(group);
  }
  task<Result<void>> ensure_group(Scope, std::string group) override {
    groups.insert(group);
    co_return Result<void>();
  }
  task<Result<void>> ensure_stream(Scope, std::string, std::string) override {
    co_return Result<void>();
  }
  task<Result<void>> append(logs::Append append) override {
    for (const logs::Line& line : append.lines) lines.push_back(line.text);
    positions[append.follower] = append.position;
    co_return Result<void>();
  }
  std::int64_t follower_position(const Scope&, const std::string&, const std::string&,
                                 const std::string& follower) const override {
    const auto found = positions.find(follower);
    return found == positions.end() ? 0 : found->second;
  }
  std::map<std::string, std::int64_t> positions;
};

class FakeImages final : public Images {
 public:
  std::string digest = "sha256:1111";
  std::optional<Error> error;
  task<Result<ResolvedImage>> resolve(Scope, std::string, std::string) override {
    if (error) co_return std::unexpected(*error);
    co_return ResolvedImage{digest};
  }
};

class FakeSecrets final : public Secrets {
 public:
  std::map<std::string, std::string> values;
  task<Result<std::string>> read(Scope, std::string value_from, std::string, std::string) override {
    const auto found = values.find(value_from);
    if (found == values.end())
      co_return fail("secret-unavailable", "unable to retrieve secret " + value_from);
    co_return found->second;
  }
};

// Disks without a limit: folders of the test's own.
class FakeDisks final : public Disks {
 public:
  explicit FakeDisks(std::filesystem::path root) : root_(std::move(root)) {}
  std::map<std::string, int> sizes;  // GiB, by task
  std::optional<Error> error;
  task<Result<std::filesystem::path>> make(std::string task, int gib) override {
    if (error) co_return std::unexpected(*error);
    sizes.emplace(task, gib);
    LF_CO_OK(io::make_directories(root_ / task));
    co_return root_ / task;
  }
  task<Result<void>> remove(std::string task) override {
    sizes.erase(task);
    co_return io::remove_tree(root_ / task);
  }
  std::vector<std::string> list() const override {
    std::vector<std::string> out;
    for (const auto& [task, gib] : sizes) out.push_back(task);
    return out;
  }
  Result<host::DiskUsage> usage(const std::string&) const override {
    return host::DiskUsage{20ull << 30, 1 << 20};
  }

 private:
  std::filesystem::path root_;
};

class FakeObjects final : public Objects {
 public:
  std::map<std::string, std::string> files;
  task<Result<std::string>> read(std::string arn, std::string, std::string) override {
    const auto found = files.find(arn);
    if (found == files.end()) co_return fail("object-unavailable", arn + ": NoSuchKey");
    co_return found->second;
  }
};

class FakeFileSystems final : public efs::Port {
 public:
  std::filesystem::path folder;
  std::optional<Error> error;
  Result<io::Fd> mount(const efs::MountRequest& request) override {
    if (error) return std::unexpected(*error);
    EXPECT_FALSE(request.interface_id.empty());
    return io::Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
};

struct TestEcs {
  store::TestStore test;
  SeededRandom random{7};
  FakeEc2 ec2;
  FakeIam iam;
  FakeLogs logs;
  FakeBalancers balancers;
  FakeImages images;
  FakeSecrets secrets;
  reconcile::EventLog events{*test.store, test.clock, random};
  host::FakeContainers containers{test.loop, test.clock};
  host::Instance instance{test.folder.path(), "abcdef"};
  Ecs ecs{test.loop, *test.store, test.clock, random, ec2, iam, events, balancers};
  FakeDisks disks{test.folder.path() / "disks"};
  FakeObjects objects;
  FakeFileSystems file_systems;
  Fargate fargate{ecs, instance, containers, images, logs, secrets, disks, objects, file_systems};
  std::unique_ptr<TaskController> tasks;
  std::unique_ptr<ServiceController> services;

  RequestContext context() const {
    RequestContext ctx;
    ctx.scope = {"123456789012", "us-west-1"};
    ctx.principal.account = "123456789012";
    ctx.principal.arn = "arn:aws:iam::123456789012:root";
    ctx.now = test.clock.now();
    return ctx;
  }
  void start() {
    tasks = std::make_unique<TaskController>(fargate);
    services = std::make_unique<ServiceController>(ecs);
    tasks->start();
    services->start();
  }
  task<void> stop() {
    if (!tasks) co_return;
    co_await services->stop();
    co_await tasks->stop();
    services.reset();
    tasks.reset();
  }
  // Until no controller has anything to do at this moment.
  task<void> settle() {
    for (int i = 0; i < 6; ++i) {
      co_await services->settle();
      co_await tasks->settle();
    }
  }
  // The clock moves, and everything that was waiting for it happens.
  task<void> pass(Millis time) {
    test.clock.advance(time);
    services->clock_moved();
    tasks->clock_moved();
    co_await settle();
  }
};

}  // namespace landfall::ecs
