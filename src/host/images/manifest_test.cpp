#include "host/images/manifest.h"

#include <gtest/gtest.h>

namespace landfall::host {
namespace {

std::string digest(char c) { return "sha256:" + std::string(64, c); }

std::string descriptor(char c, std::string_view media_type) {
  return fmt::format(R"({{"mediaType":"{}","size":7,"digest":"{}"}})", media_type, digest(c));
}

std::string manifest(std::string_view layer_type) {
  return fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})",
                     descriptor('c', "application/vnd.oci.image.config.v1+json"),
                     descriptor('1', layer_type));
}

std::string index_entry(char c, std::string_view architecture) {
  return fmt::format(R"({{"digest":"{}","platform":{{"os":"{}","architecture":"{}"}}}})", digest(c),
                     architecture == "unknown" ? "unknown" : "linux", architecture);
}

TEST(Manifest, BothFamiliesOfLayerTypes) {
  const std::pair<const char*, Compression> types[] = {
      {"application/vnd.oci.image.layer.v1.tar", Compression::none},
      {"application/vnd.oci.image.layer.v1.tar+gzip", Compression::gzip},
      {"application/vnd.oci.image.layer.v1.tar+zstd", Compression::zstd},
      {"application/vnd.docker.image.rootfs.diff.tar.gzip", Compression::gzip},
      {"application/vnd.docker.image.rootfs.diff.tar", Compression::none}};
  for (const auto& [type, compression] : types) {
    const auto parsed = parse_manifest(manifest(type));
    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_TRUE(parsed->image);
    EXPECT_EQ(parsed->image->config.str(), digest('c'));
    ASSERT_EQ(parsed->image->layers.size(), 1u);
    EXPECT_EQ(parsed->image->layers[0].compression, compression) << type;
    EXPECT_EQ(parsed->image->layers[0].size, 7u);
  }
}

TEST(Manifest, RefusesWhatItCannotRun) {
  for (const std::string& bad :
       {std::string(""), std::string("[]"), std::string("{}"),
        std::string(R"({"schemaVersion":1,"fsLayers":[]})"), std::string(R"({"manifests":7})"),
        std::string(R"({"config":{"digest":"sha256:short"},"layers":[]})"),
        std::string(R"({"config":5,"layers":[]})"),
        manifest("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
        manifest("application/vnd.oci.image.layer.v1.tar+lzma")}) {
    const auto parsed = parse_manifest(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, "image-invalid") << bad;
  }
}

TEST(Manifest, SelectsThisMachinesImage) {
  const auto parsed = parse_manifest(
      fmt::format(R"({{"schemaVersion":2,"manifests":[{},{},{}]}})", index_entry('a', "arm64"),
                  index_entry('b', "amd64"), index_entry('c', "unknown")));
  ASSERT_TRUE(parsed && parsed->index);
  EXPECT_EQ(select_platform(*parsed->index, "amd64").value().str(), digest('b'));
  EXPECT_EQ(select_platform(*parsed->index, "arm64").value().str(), digest('a'));
  const auto missing = select_platform(*parsed->index, "riscv64");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "architecture-mismatch");
  EXPECT_NE(missing.error().message.find("linux/arm64, linux/amd64"), std::string::npos);
  EXPECT_NE(missing.error().message.find("linux/riscv64"), std::string::npos);
  EXPECT_EQ(select_platform({}, "amd64").error().code, "image-invalid");
}

TEST(ImageConfig, ReadsTheProcess) {
  const auto config = parse_image_config(fmt::format(
      R"({{"architecture":"amd64","os":"linux","config":{{"Env":["A=1","B=x=y","=bad","C"],
          "Entrypoint":["/e"],"Cmd":null,"User":"app:app","WorkingDir":"/w","StopSignal":"SIGINT",
          "Volumes":{{"/data":{{}}}}}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}})",
      digest('d')));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->architecture, "amd64");
  EXPECT_EQ(config->entry_point, std::vector<std::string>{"/e"});
  EXPECT_TRUE(config->command.empty());
  EXPECT_EQ(config->environment, (std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}}));
  EXPECT_EQ(config->user, "app:app");
  EXPECT_EQ(config->volumes, std::vector<std::string>{"/data"});
  ASSERT_EQ(config->diff_ids.size(), 1u);
  EXPECT_FALSE(parse_image_config("null"));
  EXPECT_FALSE(parse_image_config(R"({"rootfs":{"diff_ids":["md5:1"]}})"));
}

}  // namespace
}  // namespace landfall::host
