// What commands print: tables, JSON and bodies.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>

#include "base/version.h"
#include "cli/body_text.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/output_json.h"

namespace cli = windlass::cli;

namespace {

// A file that is gone when the test ends.
class TemporaryFile {
  public:
    TemporaryFile(const std::string& name, std::string_view text)
        : path_(std::filesystem::temp_directory_path() / name) {
        std::ofstream{path_, std::ios::binary} << text;
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::filesystem::remove(path_); }

    std::string path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("columns are as wide as their widest cell, counted in characters") {
    CHECK(cli::align({{"A", "B"}, {"grün", "1"}, {"x"}}) == "A     B\ngrün  1\nx\n");
    CHECK(cli::align({}).empty());
    CHECK(cli::align({{"", "b"}}) == "  b\n");
}

TEST_CASE("base64 is that of RFC 4648 section 10") {
    CHECK(cli::to_base64("").empty());
    CHECK(cli::to_base64("f") == "Zg==");
    CHECK(cli::to_base64("fo") == "Zm8=");
    CHECK(cli::to_base64("foo") == "Zm9v");
    CHECK(cli::to_base64("foob") == "Zm9vYg==");
    CHECK(cli::to_base64("fooba") == "Zm9vYmE=");
    CHECK(cli::to_base64("foobar") == "Zm9vYmFy");
    CHECK(cli::to_base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("text is what a terminal shows without harm") {
    CHECK(cli::is_text("two\tlines\nof gr\u00fc\u00df \U0001F600"));
    CHECK_FALSE(cli::is_text("\x1b[2J"));
    CHECK_FALSE(cli::is_text("\xff"));
    CHECK(cli::is_utf8("\x1b"));
    for (const char* wrong : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80",
                              "\xf8\x88\x80\x80\x80"}) {
        CHECK_FALSE(cli::is_utf8(wrong));
    }
}

TEST_CASE("the type of an input is guessed from its text or its file's name") {
    CHECK(cli::type_of_text("[1, 2]") == "application/json");
    CHECK(cli::type_of_text(" \"x\"\n") == "application/json");
    CHECK(cli::type_of_text("hello") == "text/plain");
    CHECK(cli::type_of_text("") == "text/plain");
    CHECK(cli::type_of_text("{\"a\": 1") == "text/plain");
    CHECK(cli::type_of_text("[1] [2]") == "text/plain");
    CHECK(cli::type_of_file("a/b.json") == "application/json");
    CHECK(cli::type_of_file("x.npy") == "application/x-npy");
    CHECK(cli::type_of_file("-") == "application/octet-stream");
}

TEST_CASE("errors and version are printed for people and programs") {
    const cli::CommandOutcome table = cli::run(cli::ErrorsArguments{});
    CHECK(table.exit_code == 0);
    CHECK(
        table.out.starts_with("TYPE                HTTP  EXIT CODE  RETRY         PYTHON\n"
                              "invalid_input       400   2          never         InvalidInput"));
    const std::string json = cli::run(cli::ErrorsArguments{.json = true}).out;
    CHECK(json.starts_with(R"({"errors":[{"type":"invalid_input","http_status":400,"exit_code":2,)"
                           R"("retry":"never","python_class":"InvalidInput"},)"));
    CHECK(json.ends_with("}]}\n"));
    CHECK(cli::run(cli::VersionArguments{})
              .out.starts_with("windlass " + std::string{windlass::base::version()} + " ("));
    const std::string version = cli::run(cli::VersionArguments{.json = true}).out;
    CHECK(version.starts_with("{\"version\":\"" + std::string{windlass::base::version()} + "\""));
    CHECK(version.contains("\"compiler\":\"G"));
    CHECK(version.contains("\"build_type\":\""));
}

TEST_CASE("config check says what is wrong, and its exit code whether anything is") {
    const TemporaryFile good{"wl_cli_good.toml", "[models.m]\npython = \"a:B\"\nmax_batch = 2\n"};
    const cli::CommandOutcome fine = cli::run(cli::ConfigCheckArguments{good.path(), false});
    CHECK(fine.exit_code == 0);
    CHECK(fine.out ==
          good.path() +
              ":3: `max_batch` in [models.m] has no effect yet: it arrives with a later "
              "version (notice)\n" +
              good.path() + ": good, 1 model\n");
    const TemporaryFile bad{"wl_cli_bad.toml", "[models.m]\npyton = \"a:B\"\n"};
    const cli::CommandOutcome wrong = cli::run(cli::ConfigCheckArguments{bad.path(), false});
    CHECK(wrong.exit_code == 2);
    CHECK(wrong.out.ends_with("did you mean `python`?\n2 mistakes\n"));
    CHECK(cli::run(cli::ConfigCheckArguments{bad.path(), true}).out ==
          R"({"file":")" + bad.path() + R"(","ok":false,"models":[],"problems":[{"severity":)" +
              R"("error","file":")" + bad.path() + R"(","line":1,"column":null,"message":)" +
              R"("[models.m] needs `python = \"module:Class\"` or `command = [\"prog\", )" +
              R"(\"arg\"]`"},{"severity":"error","file":")" + bad.path() +
              R"(","line":2,"column":null,"message":"unknown key `pyton` in [models.m]; did you )" +
              R"(mean `python`?"}]})" + "\n");
    CHECK(cli::run(cli::ConfigCheckArguments{"nowhere.toml", false}).exit_code == 2);
}

TEST_CASE("config keys lists every key in three forms") {
    CHECK(
        cli::run(cli::ConfigKeysArguments{cli::KeysFormat::text}).out.contains("\n  concurrency "));
    CHECK(cli::run(cli::ConfigKeysArguments{cli::KeysFormat::json})
              .out.starts_with(
                  R"({"keys":[{"section":"[daemon]","key":"listen","default":"\"127.0.0.1:7411\"",)"
                  R"("example":null,)"));
    CHECK(cli::run(cli::ConfigKeysArguments{cli::KeysFormat::markdown})
              .out.starts_with("# Configuration\n"));
}
