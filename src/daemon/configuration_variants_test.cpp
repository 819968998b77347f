// Variants: each is a model of its own beside the one that it is of.
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "daemon/configuration.h"
#include "daemon/configuration_testing.h"
#include "daemon/reload.h"
#include "daemon/translate.h"

using namespace std::chrono_literals;
namespace wd = windlass::daemon;
using namespace windlass::daemon::testing;

namespace {

constexpr const char* kModel = R"([models.m]
python = "a:B"
env = { THREADS = "4", PRECISION = "fp32" }
need = "6GiB"
copies = 2
pinned = true
preload = true
run_timeout = "7m"
)";

constexpr const char* kHalf = R"([models.m.variants.fp16]
need = "40%"
env = { PRECISION = "fp16" }
)";

}  // namespace

TEST_CASE("a variant is the model with a need and an environment of its own") {
    const auto loaded = parse(std::string{kModel} + kHalf + "[models.m-2]\npython = \"a:B\"\n");
    CHECK(problems(loaded) == Lines{});
    const wd::Configuration configuration = good(loaded);
    REQUIRE(configuration.models.size() == 3);  // a model before its variants
    const wd::ModelConfiguration& base = configuration.models[0];
    const wd::ModelConfiguration& half = configuration.models[1];
    CHECK(configuration.models[2].name == "m-2");
    CHECK(base.name == "m");
    CHECK(base.variant.empty());
    CHECK(wd::model_of(base) == "m");
    CHECK(base.env.at("PRECISION") == "fp32");
    CHECK(half.name == "m:fp16");
    CHECK(half.variant == "fp16");
    CHECK(wd::model_of(half) == "m");
    CHECK(half.env == std::map<std::string, std::string>{{"THREADS", "4"}, {"PRECISION", "fp16"}});
    CHECK(half.need == wd::NeedConfiguration{.kind = wd::NeedKind::share, .percent = 40});
    CHECK(half.copies == 2);
    CHECK(half.pinned);
    CHECK(half.run_timeout == 7min);
    CHECK(base.preload);
    CHECK_FALSE(half.preload);
}

TEST_CASE("what a variant does not say, it has of its model") {
    const std::string empty = "[models.m.variants.fp16]\n";
    const wd::Configuration sized = good(parse(kModel + empty));
    CHECK(sized.models[1].need == sized.models[0].need);
    CHECK(sized.models[1].env == sized.models[0].env);
    const wd::Configuration unsized = good(parse("[models.m]\npython = \"a:B\"\n" + empty));
    CHECK(unsized.models[1].need.kind == wd::NeedKind::unknown);
}

TEST_CASE("mistakes of variants name the table that they are in") {
    CHECK(model_problems("[models.m.variants.fp16]\nneed = 5\nenv = { WINDLASS_VARIANT = \"x\" }\n"
                         "copies = 2\n") ==
          Lines{"w.toml:4: `need` in [models.m.variants.fp16] must be an amount of memory such as "
                "\"2.5GiB\", a share such as \"40%\", or \"all\", not the whole number 5",
                "w.toml:5: `env` in [models.m.variants.fp16] sets `WINDLASS_VARIANT`, which "
                "Windlass sets itself",
                "w.toml:6: unknown key `copies` in [models.m.variants.fp16]; it belongs in "
                "[models.NAME]"});
    CHECK(model_problems("[models.m.variants.\"a:b\"]\n") ==
          Lines{"w.toml:3: the name in [models.m.variants.a:b] must be 1 to 64 of letters, digits, "
                "`.`, `_` and `-`"});
    CHECK(model_problems("variants = 3\n") ==
          Lines{"w.toml:3: `variants` in [models.m] must be a table of tables such as "
                "[models.NAME.variants.V], not the whole number 3"});
    CHECK(model_problems("variants = { fp16 = \"8GiB\" }\n") ==
          Lines{"w.toml:3: [models.m.variants.fp16] must be a table with `need` and `env`, not "
                "\"8GiB\""});
}

TEST_CASE("a reload touches the variants that it changes, and no others") {
    const wd::Configuration before = good(parse(std::string{kModel} + kHalf));
    const std::string full = "[models.m.variants.full]\n";
    const wd::Reload added = wd::compare(before, good(parse(std::string{kModel} + kHalf + full)));
    REQUIRE(added.changed.size() == 1);
    CHECK(added.changed[0].model.name == "m:full");
    CHECK(added.unchanged == 2);
    const wd::Reload removed = wd::compare(before, good(parse(kModel)));
    CHECK(removed.removed == std::vector<std::string>{"m:fp16"});
    CHECK(removed.changed.empty());
    const std::string other = "[models.m.variants.fp16]\nenv = { PRECISION = \"bf16\" }\n";
    const wd::Reload changed = wd::compare(before, good(parse(kModel + other)));
    REQUIRE(changed.changed.size() == 1);
    CHECK(changed.changed[0].model.name == "m:fp16");
    CHECK(changed.changed[0].needs_new_process);
}

TEST_CASE("a variant's worker is told which one it is") {
    const wd::Configuration configuration = good(parse(std::string{kModel} + kHalf));
    const auto order = [&](std::size_t index) {
        return wd::to_launch_order(configuration.models[index], windlass::core::Generation{1}, "",
                                   {});
    };
    CHECK(order(0).variant.empty());
    CHECK(order(1).variant == "fp16");
    CHECK(order(1).model == "m:fp16");
    CHECK(order(1).environment.at("PRECISION") == "fp16");
}
