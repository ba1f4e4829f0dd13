#include "runtime/train/manifest.h"

#include "tests/unit/runtime/train/toy_program.h"

#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

Manifest sample() {
  const auto artifact = make_toy_artifact();
  Manifest manifest = Manifest::of(*artifact, artifact->spec().options);
  manifest.command_line = {"tailor-run", "toy.tailor", "--out", "a b"};
  manifest.data = "tables";
  manifest.batch = 32;
  manifest.threads = 3;
  return manifest;
}

TEST(Manifest, ReadsBackWhatItWrote) {
  const Manifest manifest = sample();
  const Result<Manifest> read = Manifest::from_json(manifest.to_json());
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->to_json(), manifest.to_json());
  EXPECT_EQ(read->batch, 32);
  EXPECT_EQ(read->data, "tables");
  EXPECT_EQ(read->artifact.size(), 16u);
  EXPECT_EQ(read->options.find("run.batch")->stage, OptionStage::kCompile);
  EXPECT_EQ(read->options.find("optimizer.lr")->origin, "toy.toml");
}

TEST(Manifest, RefusesWhatIsNone) {
  const std::string good = sample().to_json();
  const auto message = [](const std::string& text) {
    const Result<Manifest> read = Manifest::from_json(text);
    EXPECT_EQ(read.status().code() == StatusCode::kOk, read.ok());
    return read.ok() ? std::string() : read.status().message();
  };
  const auto without = [&](const std::string& part, const std::string& instead) {
    std::string text = good;
    const std::size_t at = text.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    return message(text.replace(at, part.size(), instead));
  };
  for (const char* text : {"", "[]", "{}", "null", "{\"program\":1}", "{\"program\":\"x\""})
    EXPECT_THAT(message(text), HasSubstr("damaged manifest")) << text;
  EXPECT_THAT(message(std::string(200000, '[')), HasSubstr("damaged manifest"));
  EXPECT_THAT(without("\"batch\":32", "\"batch\":-1"), HasSubstr("member 'batch'"));
  EXPECT_THAT(without("\"batch\":32", "\"batch\":\"32\""), HasSubstr("member 'batch'"));
  EXPECT_THAT(without("\"threads\":3", "\"threads\":1e99"), HasSubstr("member 'threads'"));
  EXPECT_THAT(without("[\"tailor-run\"", "[7"), HasSubstr("member 'command_line'"));
  EXPECT_THAT(without("\"stage\":\"run\"", "\"stage\":\"never\""), HasSubstr("option 'data."));
  EXPECT_THAT(without("\"optimizer.lr\":{", "\"optimizer.lr\":{\"x\":1},\"y\":{"),
              HasSubstr("option 'optimizer.lr'"));
  for (std::size_t size = 0; size + 1 < good.size(); size += 7)
    EXPECT_NE(message(good.substr(0, size)), "") << size;
}

} // namespace
} // namespace tailor::runtime
