#include "cli/server.h"

#include "base/log.h"
#include "cli/data_folder.h"
#include "cli/own_calls.h"
#include "gateway/gateway.h"
#include "host/authority/authority.h"
#include "host/containers/local_containers.h"
#include "host/dns/process/control.h"
#include "host/images/blob_store.h"
#include "http/server.h"
#include "io/files.h"
#include "io/termination.h"
#include "services/acm/keeper.h"
#include "services/application_autoscaling/controller/target_controller.h"
#include "services/application_autoscaling/explain.h"
#include "services/cloudwatch/alarms/evaluator.h"
#include "services/cloudwatch/explain.h"
#include "services/ec2/controller/controller.h"
#include "services/ec2/explain.h"
#include "services/ec2/network_port.h"
#include "services/ec2/regions.h"
#include "services/ecr/client_setup.h"
#include "services/ecr/explain.h"
#include "services/ecr/registry/registry.h"
#include "services/ecr/sweeper.h"
#include "services/ecs/agent/agent.h"
#include "services/ecs/bucket_folders.h"
#include "services/ecs/controller/service_controller.h"
#include "services/ecs/controller/task_controller.h"
#include "services/ecs/explain.h"
#include "services/ecs/metrics/sampler.h"
#include "services/ecs/registry_images.h"
#include "services/ecs/rotation_tasks.h"
#include "services/ecs/secret_values.h"
#include "services/ecs/service_port.h"
#include "services/ecs/session/sessions.h"
#include "services/ecs/task_disks.h"
#include "services/efs/service.h"
#include "services/elbv2/controller/controller.h"
#include "services/elbv2/explain.h"
#include "services/elbv2/identity_key.h"
#include "services/elbv2/target_port.h"
#include "services/elbv2/usage.h"
#include "services/iam/explain.h"
#include "services/iam/identities.h"
#include "services/kms/keeper.h"
#include "services/logs/keeper.h"
#include "services/rds/controller/instance_controller.h"
#include "services/rds/explain.h"
#include "services/rds/master_secret.h"
#include "services/rds/metrics.h"
#include "services/rds/snapshots.h"
#include "services/route53/publisher.h"
#include "services/secretsmanager/rotation.h"
#include "services/secretsmanager/service.h"
#include "services/sns/delivery/deliverer.h"
#include "services/sns/delivery/notification.h"
#include "services/sns/explain.h"
#include "services/ssm/service.h"
#include "services/sts/service.h"
#include "store/sealed.h"
#include "store/store.h"
#include "wire/acm/operations.h"
#include "wire/application_autoscaling/operations.h"
#include "wire/cloudwatch/operations.h"
#include "wire/ec2/operations.h"
#include "wire/ecr/operations.h"
#include "wire/ecs/operations.h"
#include "wire/efs/operations.h"
#include "wire/elbv2/operations.h"
#include "wire/iam/operations.h"
#include "wire/kms/operations.h"
#include "wire/logs/operations.h"
#include "wire/rds/operations.h"
#include "wire/route53/operations.h"
#include "wire/secretsmanager/operations.h"
#include "wire/sns/operations.h"
#include "wire/ssm/operations.h"
#include "wire/sts/operations.h"

namespace landfall::cli {
namespace fs = std::filesystem;
namespace {

// The account and its root access key, made at the first start. The key is written down only after
// the store has it, so a crash in between leaves a key that nobody knows, and the next start makes
// another.
task<Result<std::string>> ensure_account(iam::Iam& iam, ServerSettings settings) {
  const fs::path& folder = settings.instance.data_dir;
  std::string account;
  if (auto kept = read_account(folder)) {
    account = *kept;
    if (!settings.account.empty() && settings.account != account) {
      co_return fail("account-differs",
                     fmt::format("{} belongs to account {}; --account-id says {}", folder.string(),
                                 account, settings.account));
    }
  } else {
    account = settings.account.empty()
                  ? std::to_string(1 + iam.random.below(9)) + iam.random.pick("0123456789", 11)
                  : settings.account;
    LF_CO_OK(write_account(folder, account));
  }
  const auto accounts = iam.accounts();
  if (!accounts.get(account)) {
    LF_CO_OK(co_await iam.commit({{accounts.absent(account)}, {accounts.put(account, {})}}));
  }
  // A key that the store does not have (any more) is of no use.
  if (const auto told = read_root_key(folder); told && iam.access_keys().get(told->id)) {
    co_return account;
  }
  iam::AccessKeyRecord key;
  key.id = "AKIA" + iam.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
  key.account = account;
  key.created = iam.clock.now();
  const std::string secret =
      iam.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 40);
  key.sealed_secret = iam.sealer.seal(secret, "iam/access-key/" + key.id);
  const auto keys = iam.access_keys();
  LF_CO_TRY(done, co_await iam.commit({{keys.absent(key.id)}, {keys.put(key.id, key)}}));
  if (!done) co_return fail("conflict", "the root access key exists already", 500);
  LF_CO_OK(write_root_key(folder, {key.id, secret}));
  co_return account;
}

struct CertificateFiles {
  fs::path certificate, key;
};

// For clients that name no host: they came by address.
Result<CertificateFiles> host_certificate(const host::Authority& authority,
                                          const fs::path& folder) {
  CertificateFiles files{folder / "ca" / "server.crt", folder / "ca" / "server.key"};
  LF_TRY(issued, authority.issue({"localhost", "127.0.0.1", "::1", std::string(ec2::kApiAddress)}));
  LF_OK(io::write_file(files.certificate, issued.certificate, 0644));
  LF_OK(io::write_file(files.key, issued.key, 0600));
  return files;
}

// Every authority that this machine trusts, and our own: for calls to what may be either's.
Result<std::string> trusted_certificates(const host::Authority& authority, const fs::path& folder) {
  auto system = io::read_file("/etc/ssl/certs/ca-certificates.crt");
  LF_TRY(own, io::read_file(authority.certificate_file()));
  const fs::path file = folder / "ca" / "trusted.crt";
  LF_OK(io::write_file(file, (system ? *system + "\n" : "") + own, 0644));
  return file.string();
}

// An identity provider is somebody else's: what it may take of our time and memory is bounded.
task<Result<http::Response>> fetch_from_issuer(io::Loop& loop, std::string url,
                                               std::string trusted) {
  return http::request(loop, "GET", std::move(url), {}, {},
                       {.timeout = std::chrono::seconds(5),
                        .body_limit = 256 << 10,
                        .ca_file = std::move(trusted),
                        .network_namespace = {}});
}

task<Result<void>> tell_topic(sns::Sns& sns, std::string topic,
                              cloudwatch::AlarmTransition transition) {
  LF_CO_OK(co_await sns.publish_for_service(transition.scope,
                                            {.topic_arn = std::move(topic),
                                             .subject = std::move(transition.subject),
                                             .message = std::move(transition.message),
                                             .service = "cloudwatch.amazonaws.com",
                                             .source_arn = std::move(transition.alarm.arn)}));
  co_return Result<void>();
}

// An alarm tells a topic.
cloudwatch::ActionHandler alarm_to_topic(sns::Sns& sns) {
  return {.prefix = "arn:aws:sns:",
          .invoke = [&sns](std::string action, cloudwatch::AlarmTransition transition) {
            return tell_topic(sns, std::move(action), std::move(transition));
          }};
}

// What notifications are signed with: for anybody to read.
gateway::PublicHandler signing_certificate(sns::Sns& sns) {
  return [&sns](const http::Request& request) -> Result<http::Response> {
    for (const auto& row : sns.signing().list()) {
      if (request.path != sns::certificate_path(row.value.id)) continue;
      http::Response out;
      out.headers.set("Content-Type", "application/x-pem-file");
      out.body = row.value.certificate;
      return out;
    }
    return fail("NotFound", "There is no such certificate.", 404);
  };
}

gateway::PublicHandler public_key(elbv2::IdentityKey key) {
  return [key = std::move(key)](const http::Request& request) -> Result<http::Response> {
    if (request.path != "/" + key.id) return fail("NotFound", "There is no such key.", 404);
    http::Response out;
    out.headers.set("Content-Type", "text/plain");
    out.body = key.public_pem;
    return out;
  };
}

http::ServerOptions server_options(const host::Authority& authority,
                                   const CertificateFiles& files) {
  http::ServerOptions options;
  options.certificate_file = files.certificate;
  options.key_file = files.key;
  options.certificate_for =
      [&authority](const std::string& name) -> std::optional<http::CertificatePem> {
    // Our own names, and AWS's, which mean us inside a VPC. For others the client gets the default
    // and sees that it is not theirs.
    if (!name.ends_with(".landfall.test") && !name.ends_with(".amazonaws.com")) return {};
    auto issued = authority.issue({name});
    if (!issued) return {};
    return std::move(*issued);
  };
  return options;
}

Result<io::Endpoint> listen(http::Server& server, const io::Endpoint& endpoint) {
  auto at = server.listen(endpoint);
  if (at || at.error().code != "address-in-use") return at;
  return fail("address-in-use",
              fmt::format("{} is taken by another program; choose another with --listen, or see "
                          "who has it: ss -ltnp 'sport = :{}'",
                          endpoint.str(), endpoint.port));
}

// What runs beside the API: stopped in the reverse of the order it was started in. Nothing may fail
// between the first start and stop().
class Background {
 public:
  template <class Part>
  void start(Part& part) {
    part.start();
    stops_.push_back([&part] { return part.stop(); });
  }
  task<void> stop() {
    while (!stops_.empty()) {
      co_await stops_.back()();
      stops_.pop_back();
    }
  }

 private:
  std::vector<std::function<task<void>()>> stops_;
};

// Load balancers' samples as CloudWatch takes them. Where there are single values they make the
// statistics, too.
task<Result<void>> keep_balancer_metrics(cloudwatch::Port& cloudwatch, Scope scope,
                                         TimePoint minute,
                                         std::vector<elbv2::MetricSample> samples) {
  std::vector<cloudwatch::Sample> out;
  for (elbv2::MetricSample& sample : samples) {
    cloudwatch::Sample& kept = out.emplace_back();
    kept.metric = {std::move(sample.space), std::move(sample.name), std::move(sample.dimensions)};
    kept.time = minute;
    kept.unit = std::move(sample.unit);
    kept.values = std::move(sample.values);
    if (kept.values.empty())
      kept.summary = {sample.sample_count, sample.sum, sample.minimum, sample.maximum};
  }
  return cloudwatch.put(std::move(scope), std::move(out));
}

task<void> sweep_layers(io::Loop& loop, host::LocalContainers& containers) {
  while (true) {
    co_await loop.sleep_for(std::chrono::hours(1));
    if (auto swept = co_await containers.sweep_layers(); !swept)
      log::warning("serve", "unpacked layers cannot be removed: {}", swept.error().message);
  }
}

// For Prometheus, which cannot sign.
task<void> answer_metrics(gateway::Gateway& gateway, http::Request request,
                          http::ResponseWriter& out) {
  http::Response response;
  response.headers.set("Content-Type", "text/plain; version=0.0.4");
  if (request.path == "/metrics" && request.method == "GET") {
    response.body = co_await gateway.metrics_text();
  } else {
    response.status = 404;
  }
  (void)co_await out.send(std::move(response));
}

// What everybody may know of this installation.
ssm::PublicParameters public_parameters(const gateway::Gateway& gateway, const Clock& clock) {
  std::vector<ssm::Region> regions;
  for (const std::string& name : ec2::known_regions()) {
    ssm::Region& region = regions.emplace_back(name);
    for (const ec2::Zone& zone : ec2::zones_of(name)) region.zone_ids.push_back(zone.id);
  }
  return {regions, gateway.served(), clock.now()};
}

// The API inside every VPC.
ec2::VpcListener api_listener(http::Server& server) {
  const std::string address(ec2::kApiAddress);
  const std::array<io::Endpoint, 2> places = {io::Endpoint{address, ec2::kApiPort},
                                              io::Endpoint{address, 443}};
  return {.name = "API",
          .start = [&server, places](const std::string&, const std::string& path) -> Result<void> {
            for (const io::Endpoint& at : places) LF_OK(server.listen(at, path));
            return {};
          },
          .stop =
              [&server, places](const std::string&, const std::string& path) {
                for (const io::Endpoint& at : places) server.unlisten(at, path);
              }};
}

// The API on the interfaces of VPC endpoints, as HTTPS and HTTP.
ec2::EndpointListener endpoint_listener(http::Server& server) {
  static constexpr std::array<std::uint16_t, 2> kPorts = {443, 80};
  return {.start = [&server](const std::string& address, const std::string& path) -> Result<void> {
            for (const std::uint16_t port : kPorts) LF_OK(server.listen({address, port}, path));
            return {};
          },
          .stop =
              [&server](const std::string& address, const std::string& path) {
                for (const std::uint16_t port : kPorts) server.unlisten({address, port}, path);
              }};
}

// Between two steps of the start: has somebody thought better of it?
task<bool> asked_to_stop(io::Loop& loop) {
  const bool asked = co_await io::termination_requested(loop);
  if (asked) log::info("serve", "asked to stop while starting");
  co_return asked;
}

task<Result<void>> run(io::Loop& loop, ServerSettings settings) {
  const fs::path folder = settings.instance.data_dir;
  SystemClock clock;
  SystemRandom random;
  LF_CO_TRY(sealer, store::Sealer::open(folder / "key", random));
  LF_CO_TRY(store, store::open_sqlite(loop, clock, {.file = folder / "store.db"}));

  iam::Iam iam{*store, clock, random, *sealer};
  iam::Identities identities(iam);
  LF_CO_TRY(account, co_await ensure_account(iam, settings));

  reconcile::EventLog events(*store, clock, random);
  host::network::Network network(loop, settings.instance, {settings.public_pool});
  LF_CO_OK(network.check_pool());
  host::dns::Control dns(loop, folder / "dns");
  ec2::Ec2 ec2(loop, *store, clock, random, settings.public_pool);
  ec2::VpcController vpcs(ec2, network, dns, {});
  ec2::NetworkPort networks(ec2, network, vpcs);

  host::BlobStore blobs(loop, clock, random, folder / "blobs");
  LF_CO_OK(blobs.open());
  host::ScratchDisks disks(loop, folder / ecs::kDisksFolder);
  host::LocalContainers containers(loop, clock, settings.instance, &blobs);
  containers.set_writable_folder(
      [&disks](const std::string& group) -> std::optional<std::filesystem::path> {
        if (!disks.mounted(group)) return {};
        return disks.folder(group) / "containers";
      });
  host::Volumes volumes(loop, folder / "volumes");
  LF_CO_OK(co_await volumes.recover());
  LF_CO_OK(io::make_directories(folder / "ca", 0755));
  LF_CO_TRY(authority, host::Authority::open(folder / "ca", clock, random));
  LF_CO_TRY(log_engine, logs::Engine::open(loop, clock, random, folder / "logs"));
  logs::QueryRunner log_queries(loop, *store, clock, *log_engine, folder / "log-queries");
  logs::LiveTails log_tails(loop, clock);
  logs::Logs logs{loop, *store, clock, random, *log_engine, log_queries, log_tails};
  logs::Housekeeping log_housekeeping(loop, logs);
  logs::LogsPort log_lines(logs);
  ec2.roles = &identities;
  ec2.logs = &log_lines;

  LF_CO_TRY(metric_store, cloudwatch::MetricStore::open(loop, clock, folder / "metrics"));
  cloudwatch::Cloudwatch cloudwatch(loop, *store, clock, random, *metric_store);
  cloudwatch::Evaluator alarms(loop, cloudwatch);
  logs.metrics = &cloudwatch;

  LF_CO_TRY(trusted, trusted_certificates(*authority, folder));
  sts::IssuerKeys issuers(clock, [&loop, trusted](std::string url) {
    return fetch_from_issuer(loop, std::move(url), trusted);
  });
  sts::Sts sts{iam, identities, issuers};
  sns::Sns sns(loop, *store, clock, random, *sealer, identities, log_lines, *authority, trusted);
  sns::Deliverer notifications(loop, sns);
  cloudwatch.add_action_handler(alarm_to_topic(sns));

  kms::Kms kms{*store, clock, random, *sealer, identities};
  kms::Keeper key_keeper(loop, kms);
  secretsmanager::Secretsmanager secrets{*store, clock, random, kms, identities};
  rds::Rds rds{loop,       *store,    clock,    random, settings.instance,
               containers, volumes,   networks, events, settings.engines / "postgresql",
               *authority, log_lines, kms,      secrets};
  secrets.rotators["rds"] = [&rds](Scope scope, std::string arn) {
    return rds::rotate_master_secret(rds, std::move(scope), std::move(arn));
  };
  rds::InstanceController databases(rds);
  rds::SnapshotController snapshots(rds);
  rds::InstanceMetrics database_metrics(rds, cloudwatch);

  LF_CO_TRY(certificate, host_certificate(*authority, folder));
  ecr::LocalClientSetup clients(loop, ecr::client_places(settings.instance),
                                folder / "ca" / "ca.crt",
                                Ipv4::parse(settings.listen.address).value_or(Ipv4{0x7f000001}));
  ecr::Ecr ecr{loop,
               *store,
               blobs,
               clock,
               identities,
               clients,
               {.port = settings.listen.port, .default_region = settings.region}};

  acm::Acm acm{loop, *store, clock, random, *sealer, *authority};
  acm::CertificatePort certificates(acm);
  acm::Keeper certificate_keeper(acm);
  elbv2::Elbv2 elbv2{loop, *store, clock, random, networks, certificates, events, *sealer};
  elbv2.buckets = folder / "buckets";
  elbv2.metric_sink = [&cloudwatch](Scope scope, TimePoint minute,
                                    std::vector<elbv2::MetricSample> samples) {
    return keep_balancer_metrics(cloudwatch, std::move(scope), minute, std::move(samples));
  };
  acm.users = [&elbv2](const Scope& scope, const std::string& arn) {
    return elbv2::users_of_certificate(elbv2.tables(scope), arn);
  };
  route53::Route53 route53{loop, *store, clock, random, networks};
  route53::Publisher hosted_zones(
      route53, [&vpcs](host::dns::ZoneTable zones) { return vpcs.set_zones(std::move(zones)); });
  acm.cname_exists = [&route53](const std::string& owner, const std::string& name,
                                const std::string& target) {
    return route53::cname_exists(route53, owner, name, target);
  };
  LF_CO_TRY(identity_key, elbv2::open_identity_key(folder / "proxy" / "identity-key"));
  elbv2::BalancerController balancers(elbv2, {.folder = folder / "proxy",
                                              .buckets = folder / "buckets",
                                              .published = settings.published,
                                              .identity_key = identity_key.private_pem,
                                              .trust_file = trusted});

  host::PulledImages outside_images(loop, blobs, folder / "pulled");
  LF_CO_OK(outside_images.open());
  elbv2::TargetPort targets(elbv2);
  ecs::Ecs ecs{loop, *store, clock, random, networks, identities, events, targets};
  ecs::Sessions sessions(loop, clock, random, containers);
  ecs.sessions = &sessions;
  ecs.alarms = &cloudwatch;
  ecs::RegistryImages images(ecr, identities, outside_images);
  ssm::Ssm parameters{*store, clock, kms, identities};
  ecs::SecretValues secret_values(secrets, parameters);
  ecs::TaskDisks task_disks(disks);
  ecs::BucketFolders buckets(loop, identities, folder / "buckets");
  efs::Efs efs(loop, *store, clock, random, networks, folder / "efs");
  LF_CO_OK(co_await efs.recover());
  ecs::Fargate fargate{
      ecs,           settings.instance, containers, images, log_lines,
      secret_values, task_disks,        buckets,    efs,    authority->certificate_file()};
  ecs::RotationTasks rotation_tasks(ecs);
  secrets.runner = &rotation_tasks;
  secretsmanager::Rotations rotations(loop, secrets, rotation_tasks);
  ecs::TaskController tasks(fargate);
  ecs::ServiceController services(ecs);
  // A target tracking alarm of shorter periods needs a value in each of them.
  ecs::Sampler task_metrics(fargate, cloudwatch,
                            std::chrono::seconds(std::min(20, settings.target_tracking.period_s)));
  ecs::ServicePort task_counts(ecs);
  application_autoscaling::ApplicationAutoscaling scaling{
      loop, *store, clock, random, identities, task_counts, cloudwatch, settings.target_tracking};
  application_autoscaling::TargetController scaler(scaling);

  gateway::Gateway gateway(identities, clock, random);
  gateway.add(gateway::service(iam::kService, iam));
  gateway.add(gateway::service(sts::kService, sts));
  gateway.add(gateway::service(ec2::kService, ec2));
  gateway.add(gateway::service(rds::kService, rds));
  gateway.add(gateway::service(logs::kService, logs));
  gateway.add(gateway::service(cloudwatch::kService, cloudwatch));
  gateway.add(gateway::service(ecr::kService, ecr, 32 << 20));  // layer parts of 20 MiB, base64
  gateway.add(gateway::service(ecs::kService, ecs));
  gateway.add(gateway::service(efs::kService, efs));
  gateway.add(gateway::service(acm::kService, acm));
  gateway.add(gateway::service(application_autoscaling::kService, scaling));
  gateway.add(gateway::service(elbv2::kService, elbv2));
  gateway.add(gateway::service(route53::kService, route53));
  gateway.add(gateway::service(kms::kService, kms));
  gateway.add(gateway::service(secretsmanager::kService, secrets));
  gateway.add(gateway::service(ssm::kService, parameters));
  gateway.add(gateway::service(sns::kService, sns));
  parameters.published = public_parameters(gateway, clock);
  gateway.add_public("/SimpleNotificationService-", signing_certificate(sns));
  // AWS: https://public-keys.auth.elb.REGION.amazonaws.com/KID, which means us inside a VPC.
  gateway.add_public("/" + identity_key.id, public_key(identity_key));
  gateway.add_stream(logs::kService, "StartLiveTail",
                     [&log_tails](const RequestContext& ctx) -> gateway::EventSource {
                       auto session = log_tails.take(ctx.request_id);
                       return [session] { return session->next(); };
                     });
  gateway.set_registry(
      [&ecr](http::Request request, http::BodyReader& body, http::ResponseWriter& out) {
        return ecr::serve_registry(ecr, std::move(request), body, out);
      });

  gateway.set_more_metrics([&balancers] { return balancers.prometheus(); });
  gateway.add_path(
      std::string(ecs::kChannelPath),
      [&sessions](http::Request request, http::BodyReader& body, http::ResponseWriter& out) {
        return sessions.serve(std::move(request), body, out);
      });

  // Every service that can explain itself.
  reconcile::Why why;
  why.add("ec2", [&ec2, &networks](Scope scope, std::string reference) {
    return ec2::explain(ec2, networks, std::move(scope), std::move(reference));
  });
  why.add("ecr", [&ecr](Scope scope, std::string reference) {
    return ecr::explain(ecr, std::move(scope), std::move(reference));
  });
  why.add("ecs", [&fargate](Scope scope, std::string reference) {
    return ecs::explain(fargate, std::move(scope), std::move(reference));
  });
  why.add("application-autoscaling", [&scaling, &scaler](Scope scope, std::string reference) {
    return application_autoscaling::explain(scaling, scaler.signals(), std::move(scope),
                                            std::move(reference));
  });
  why.add("rds", [&rds](Scope scope, std::string reference) {
    return rds::explain(rds, std::move(scope), std::move(reference));
  });
  why.add("elbv2", [&elbv2](Scope scope, std::string reference) {
    return elbv2::explain(elbv2, std::move(scope), std::move(reference));
  });
  why.add("cloudwatch", [&cloudwatch](Scope scope, std::string reference) {
    return cloudwatch::explain(cloudwatch, std::move(scope), std::move(reference));
  });
  why.add("sns", [&sns](Scope scope, std::string reference) {
    return sns::explain(sns, std::move(scope), std::move(reference));
  });
  why.add("secretsmanager", [&secrets](Scope scope, std::string reference) {
    return secretsmanager::explain(secrets, std::move(scope), std::move(reference));
  });
  why.add("iam", [&identities, &iam](Scope scope, std::string reference) {
    return iam::explain(identities, iam, std::move(scope), std::move(reference));
  });
  add_own_calls(gateway, *store, why, settings.region, clock.now());

  http::Server server(
      loop,
      [&gateway](http::Request request, http::BodyReader& body, http::ResponseWriter& out) {
        return gateway.handle(std::move(request), body, out);
      },
      server_options(*authority, certificate));
  if (co_await asked_to_stop(loop)) co_return Result<void>();
  LF_CO_TRY(at, listen(server, settings.listen));
  ecr.settings.port = at.port;
  sns.api_url = fmt::format(
      "http://{}:{}", at.address == "0.0.0.0" || at.address == "::" ? "127.0.0.1" : at.address,
      at.port);
  http::Server metrics_server(
      loop,
      [&gateway](http::Request request, http::BodyReader&, http::ResponseWriter& out) {
        return answer_metrics(gateway, std::move(request), out);
      },
      {});
  networks.add_listener(api_listener(server));
  vpcs.set_endpoint_listener(endpoint_listener(server));
  ecs::Agent task_agent(fargate);
  networks.add_listener(task_agent.listener());
  // From here on what runs has to be stopped, whatever comes.
  Background background;
  io::TaskScope sweeping(loop);
  Result<void> started = write_listening(folder, {at.str(), settings.region});
  if (started && settings.metrics) {
    const auto metrics_at = listen(metrics_server, *settings.metrics);
    if (!metrics_at) started = std::unexpected(metrics_at.error());
  }
  if (started) started = co_await containers.open();
  if (started && !co_await asked_to_stop(loop)) {
    co_await tasks.collect_orphans();
    background.start(dns);
    background.start(vpcs);
    background.start(snapshots);
    background.start(databases);
    background.start(database_metrics);
    background.start(log_housekeeping);
    background.start(alarms);
    background.start(notifications);
    background.start(log_queries);
    background.start(certificate_keeper);
    background.start(balancers);
    background.start(hosted_zones);
    background.start(key_keeper);
    background.start(tasks);
    background.start(services);
    background.start(rotations);
    background.start(task_metrics);
    background.start(scaler);
    sweeping.spawn("ecr sweep", ecr::sweep_forever(ecr, {}, std::chrono::hours(1),
                                                   [&](const host::Digest& digest) {
                                                     return outside_images.refers_to(digest);
                                                   }));
    sweeping.spawn("layer sweep", sweep_layers(loop, containers));
    log::info("serve", "account {}, data in {}, API on http://{}", account, folder.string(),
              at.str());
    log::info("serve", "to use it: eval \"$(landfall env --data-dir {})\"", folder.string());

    co_await loop.wait_for_termination();
  }
  if (started) log::info("serve", "stopping; what has been deployed keeps running");
  co_await server.stop();
  co_await metrics_server.stop();
  co_await sweeping.stop();
  co_await background.stop();
  co_await task_agent.stop();
  co_await containers.close();
  co_return started;
}

}  // namespace

task<void> serve(io::Loop& loop, ServerSettings settings, Result<void>& ended) {
  ended = co_await run(loop, std::move(settings));
}

}  // namespace landfall::cli
