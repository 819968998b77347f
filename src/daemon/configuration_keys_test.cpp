// docs/configuration.md says what the table of keys says.
#include "daemon/configuration_keys.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "daemon/configuration_testing.h"

namespace wd = windlass::daemon;
using wd::testing::good;

namespace {

std::filesystem::path documentation() {
    return std::filesystem::path{WINDLASS_SOURCE_DIR} / "docs" / "configuration.md";
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

TEST_CASE("the page on configuration is the one that the table writes") {
    // Written anew by: windlass config keys --markdown > docs/configuration.md
    const bool same = read_file(documentation()) == wd::configuration_markdown();
    CHECK(same);
}

TEST_CASE("the example on that page is a good configuration") {
    const std::string page = wd::configuration_markdown();
    const std::size_t begin = page.find("```toml\n") + 8;
    const std::string example = page.substr(begin, page.find("```", begin) - begin);
    const auto loaded = wd::parse_configuration(example, "page.toml", {});
    CHECK(loaded.problems.empty());
    CHECK(good(loaded).models.size() == 2);
}

TEST_CASE("each key has one row, with a default or an example, and a meaning") {
    std::set<std::string> seen;
    for (const wd::Key& key : wd::key_table()) {
        const std::string name =
            std::string{wd::section_title(key.section)} + std::string{key.name};
        CAPTURE(name);
        CHECK(seen.insert(name).second);
        CHECK_FALSE((key.default_text.empty() && key.example.empty()));
        CHECK_FALSE(key.meaning.empty());
        CHECK(key.meaning.ends_with('.'));
        CHECK_FALSE(wd::wanted(key).empty());
        CHECK(wd::find_key(key.section, key.name) == &key);
    }
    CHECK(wd::find_key(wd::Section::daemon, "unload_after") == nullptr);
}
