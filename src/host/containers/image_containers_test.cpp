// From pushed or pulled image to running container.
#include <sys/stat.h>
#include <unistd.h>

#include "host/containers/container_fixture.h"
#include "host/images/layer_test_archive.h"
#include "host/images/pull.h"

namespace landfall::host {
namespace {
namespace fs = std::filesystem;

struct Pushed {
  std::string manifest, config;
  std::vector<std::string> layers;  // compressed
};

class ImageContainersTest : public ContainerFixture {
 protected:
  static Pushed image(const std::string& program, const std::string& architecture) {
    TestArchive base, top;
    base.folder("bin").add({.name = "bin/probe", .content = program, .mode = 0755});
    base.file("etc/removed", "old").file("etc/passwd", "root:x:0:0::/root:/\napp:x:7:8::/app:/\n");
    base.add({.name = "app/mine", .content = "x", .mode = 0600, .uid = 7, .gid = 8});
    top.file("etc/.wh.removed", "").file("etc/added", "new\n");
    const std::string tars[] = {base.finish(), top.finish()};
    Pushed out;
    std::string diff_ids, layers;
    for (const std::string& tar : tars) {
      out.layers.push_back(TestArchive::compressed(tar, archive_write_add_filter_gzip));
      diff_ids += fmt::format("{}\"{}\"", diff_ids.empty() ? "" : ",", Digest::of(tar).str());
      layers += fmt::format(
          R"({}{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":{},"digest":"{}"}})",
          layers.empty() ? "" : ",", out.layers.back().size(), Digest::of(out.layers.back()).str());
    }
    out.config = fmt::format(
        R"({{"architecture":"{}","os":"linux","config":{{"Env":["PATH=/bin","FROM=image"],"Entrypoint":["probe"],"Cmd":["id","env=FROM","owner=/app/mine","cat=/etc/removed","cat=/etc/added","exit=4"],"User":"app","WorkingDir":"/made/here"}},"rootfs":{{"type":"layers","diff_ids":[{}]}}}})",
        architecture, diff_ids);
    out.manifest = fmt::format(
        R"({{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","size":{},"digest":"{}"}},"layers":[{}]}})",
        out.config.size(), Digest::of(out.config).str(), layers);
    return out;
  }
  void run_with_blobs(std::function<task<void>(LocalContainers&, BlobStore&)> body);
  SystemRandom random_;
};

task<void> open_both(BlobStore& blobs, LocalContainers& on,
                     std::function<task<void>(LocalContainers&, BlobStore&)> body) {
  EXPECT_TRUE(blobs.open());
  const auto opened = co_await on.open();
  EXPECT_TRUE(opened);
  if (opened) co_await body(on, blobs);
  co_await on.close();
}

void ImageContainersTest::run_with_blobs(
    std::function<task<void>(LocalContainers&, BlobStore&)> body) {
  BlobStore blobs(loop_, clock_, random_, instance_.data_dir / "registry");
  LocalContainers on(loop_, clock_, instance_, &blobs);
  loop_.run(open_both(blobs, on, std::move(body)));
}

task<void> push(BlobStore& blobs, Pushed image) {
  EXPECT_TRUE(co_await blobs.put(image.config));
  for (const std::string& layer : image.layers) EXPECT_TRUE(co_await blobs.put(layer));
  EXPECT_TRUE(co_await blobs.put(image.manifest));
}

ContainerSpec image_spec(const std::string& id, const std::string& manifest) {
  ContainerSpec out;
  out.id = id;
  out.group = "g";
  out.image = Digest::of(manifest).str();
  return out;
}

task<void> run_image(LocalContainers& on, BlobStore& blobs, Pushed image) {
  co_await push(blobs, image);
  const std::string index = fmt::format(
      R"({{"schemaVersion":2,"manifests":[{{"digest":"{}","platform":{{"os":"linux","architecture":"{}"}}}}]}})",
      Digest::of(image.manifest).str(), machine_architecture());
  EXPECT_TRUE(co_await blobs.put(index));
  for (const auto& [id, named] : {std::pair("a", image.manifest), std::pair("b", index)}) {
    auto made = co_await on.create(image_spec(id, named));
    EXPECT_TRUE(made) << made.error().message;
    if (!made) co_return;
    EXPECT_EQ(made->image_digest, Digest::of(image.manifest).str());
    EXPECT_TRUE(co_await on.start(id));
    const auto ended = co_await on.wait(id);
    EXPECT_EQ(ended->code, 4);
  }
  // Used layers stay, unused ones go.
  EXPECT_EQ((co_await on.sweep_layers()).value_or(9), 0u);
  EXPECT_TRUE(co_await on.remove("b"));
  EXPECT_EQ((co_await on.sweep_layers()).value_or(9), 0u);
}

TEST_F(ImageContainersTest, AnImageRunsAsItSays) {
  const Pushed pushed = image(io::read_file(program_).value(), machine_architecture());
  run_with_blobs(
      [&](LocalContainers& on, BlobStore& blobs) { return run_image(on, blobs, pushed); });
  EXPECT_EQ(log_of("a"),
            "uid 7 gid 8 pid 1\nFROM=image\n/app/mine 7:8 600\n/etc/removed: absent\nnew\n");
}

task<void> refuse_image(LocalContainers& on, BlobStore& blobs, Pushed foreign, Pushed lying,
                        Pushed cut) {
  co_await push(blobs, foreign);
  auto made = co_await on.create(image_spec("a", foreign.manifest));
  EXPECT_EQ(made.error().code, "architecture-mismatch");
  EXPECT_NE(made.error().message.find("linux/arm64"), std::string::npos) << made.error().message;
  EXPECT_NE(made.error().message.find("linux/" + machine_architecture()), std::string::npos);
  // The configuration claims this machine, the program is for another.
  co_await push(blobs, lying);
  made = co_await on.create(image_spec("a", lying.manifest));
  EXPECT_EQ(made.error().code, "exec-format");
  EXPECT_NE(made.error().message.find("arm64"), std::string::npos) << made.error().message;

  made = co_await on.create(image_spec("a", "never pushed"));
  EXPECT_EQ(made.error().code, "image-not-found");
  cut.layers.clear();
  co_await push(blobs, cut);
  made = co_await on.create(image_spec("a", cut.manifest));
  EXPECT_EQ(made.error().code, "image-not-found") << made.error().message;
  EXPECT_TRUE(on.list().empty());
}

TEST_F(ImageContainersTest, WhatCannotRunSaysWhy) {
  std::string arm = io::read_file(program_).value();
  arm[18] = char(0xb7);
  arm[19] = 0;
  const std::string native = io::read_file(program_).value();
  run_with_blobs([&](LocalContainers& on, BlobStore& blobs) {
    return refuse_image(on, blobs, image(arm, "arm64"), image(arm, machine_architecture()),
                        image(native + "x", machine_architecture()));
  });
}

task<void> import_and_run(io::Loop& loop, LocalContainers& on, BlobStore& blobs, fs::path source,
                          fs::path scratch, std::string digest) {
  auto pulled = co_await import_image(loop, blobs, scratch, "dir:" + source.string(),
                                      std::chrono::seconds(30));
  EXPECT_TRUE(pulled) << pulled.error().message;
  if (!pulled) co_return;
  EXPECT_EQ(pulled->digest.str(), digest);
  EXPECT_FALSE(fs::exists(scratch));
  ContainerSpec spec;
  spec.id = "a";
  spec.group = "g";
  spec.image = digest;
  EXPECT_TRUE(co_await on.create(spec));

  // Port 1 of the loopback interface: nobody listens there.
  auto away = co_await pull_image(loop, blobs, scratch, "127.0.0.1:1/some/image:tag",
                                  std::chrono::seconds(30));
  EXPECT_FALSE(away);
  EXPECT_EQ(away.error().code, "registry-unreachable") << away.error().message;
  EXPECT_NE(away.error().message.find("docker push"), std::string::npos);
  for (const char* bad : {"", "--all", "a b", "x;y", "../up"}) {
    auto refused = co_await pull_image(loop, blobs, scratch, bad, std::chrono::seconds(1));
    EXPECT_EQ(refused.error().code, "invalid-reference") << bad;
  }
}

TEST_F(ImageContainersTest, PullsBySkopeo) {
  if (::system("skopeo --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "needs skopeo";
  const Pushed pushed = image(io::read_file(program_).value(), machine_architecture());
  const fs::path source = instance_.data_dir / "elsewhere";
  fs::create_directory(source);
  ASSERT_TRUE(io::write_file(source / "version", "Directory Transport Version: 1.1\n"));
  ASSERT_TRUE(io::write_file(source / "manifest.json", pushed.manifest));
  ASSERT_TRUE(io::write_file(source / Digest::of(pushed.config).hex(), pushed.config));
  for (const std::string& layer : pushed.layers) {
    ASSERT_TRUE(io::write_file(source / Digest::of(layer).hex(), layer));
  }
  run_with_blobs([&](LocalContainers& on, BlobStore& blobs) {
    return import_and_run(loop_, on, blobs, source, instance_.data_dir / "scratch",
                          Digest::of(pushed.manifest).str());
  });
}

}  // namespace
}  // namespace landfall::host
