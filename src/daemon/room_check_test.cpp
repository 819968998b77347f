// Which models have room at the same time.
#include "daemon/room_check.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace windlass::base;  // _GiB
namespace core = windlass::core;
namespace wd = windlass::daemon;

namespace {

core::DeviceSpec gpu(const std::string& uuid, std::optional<Bytes> capacity) {
    return {.uuid = uuid, .kind = core::DeviceKind::gpu, .capacity = capacity};
}
const core::DeviceSpec kCpu{.uuid = "cpu", .kind = core::DeviceKind::cpu, .capacity = 64_GiB};

wd::ModelConfiguration model(const std::string& name, std::optional<Bytes> need,
                             bool is_pinned = true) {
    wd::ModelConfiguration model;
    model.name = name;
    if (need) model.need = {.kind = wd::NeedKind::bytes, .bytes = *need};
    model.pinned = is_pinned;
    return model;
}

wd::ModelConfiguration share(const std::string& name, std::uint32_t percent) {
    wd::ModelConfiguration model = ::model(name, {});
    model.need = {.kind = wd::NeedKind::share, .percent = percent};
    return model;
}

using Names = std::vector<std::vector<std::string>>;

Names names(const std::vector<wd::Crowd>& crowds) {
    Names names;
    for (const wd::Crowd& crowd : crowds) names.push_back(crowd.models);
    return names;
}

Names impossible(const std::vector<wd::ModelConfiguration>& models,
                 std::vector<core::DeviceSpec> gpus, Bytes headroom = {}) {
    gpus.push_back(kCpu);
    return names(wd::judge_room(models, gpus, headroom).impossible);
}

const Names kNone = {};
const Names kBoth = {{"a", "b"}};

}  // namespace

TEST_CASE("[A5.7] two pinned models that do not fit together are named, with what to do") {
    const std::vector models = {model("a", 6_GiB), model("b", 6_GiB)};
    const auto verdict = wd::judge_room(models, {kCpu, gpu("GPU-1", 11_GiB)}, 1_GiB);
    CHECK(names(verdict.impossible) == kBoth);
    CHECK(verdict.crowded.empty());
    CHECK(verdict.impossible.at(0).message ==
          "the models a and b are `pinned`, and there is no room for all of their copies at the "
          "same time: a needs 6 GiB, b needs 6 GiB; GPU-1 has 10 GiB without `headroom`. Take "
          "`pinned` from one of them, lower a `need` or `copies`, or let them use other `devices`");
    CHECK(impossible(models, {gpu("GPU-1", 13_GiB)}, 1_GiB) == kNone);
    CHECK(impossible(models, {gpu("GPU-1", 12_GiB)}, 1_GiB) == kBoth);
    CHECK(impossible(models, {gpu("GPU-1", 7_GiB), gpu("GPU-2", 7_GiB)}) == kNone);
    CHECK(impossible(models, {gpu("GPU-1", 7_GiB), gpu("GPU-2", 5_GiB)}) == kBoth);
}

TEST_CASE("[A5.7] models that are not pinned take turns, or wait for one that is") {
    const std::vector models = {model("a", 6_GiB, false), model("b", 6_GiB, false),
                                model("p", 5_GiB), model("small", 1_GiB, false)};
    const auto verdict = wd::judge_room(models, {gpu("GPU-1", 10_GiB)}, {});
    CHECK(verdict.impossible.empty());
    CHECK(names(verdict.crowded) == Names{{"a", "b"}, {"a", "p"}, {"b", "p"}});
    CHECK(verdict.crowded.at(0).message ==
          "the models a and b take turns, because there is no room for both at the same time: a "
          "needs 6 GiB, b needs 6 GiB; GPU-1 has 10 GiB without `headroom`");
    CHECK(verdict.crowded.at(1).message.starts_with(
        "the model a waits while the `pinned` model p is loaded"));
}

TEST_CASE("shares and `all` are judged on each device by its own size") {
    CHECK(impossible({share("a", 60), share("b", 41)}, {gpu("GPU-1", 10_GiB)}) == kBoth);
    CHECK(impossible({share("a", 60), share("b", 40)}, {gpu("GPU-1", 10_GiB)}, 1_GiB) == kNone);
    CHECK(impossible({share("a", 50), model("b", 9_GiB)},
                     {gpu("GPU-1", 8_GiB), gpu("GPU-2", 16_GiB)}) == kNone);
    wd::ModelConfiguration all = model("a", {});
    all.need = {.kind = wd::NeedKind::all};
    CHECK(impossible({all, model("b", 1_GiB)}, {gpu("GPU-1", 10_GiB)}) == kBoth);
    CHECK(impossible({all, model("b", 1_GiB)}, {gpu("GPU-1", 10_GiB), gpu("GPU-2", 2_GiB)}) ==
          kNone);
}

TEST_CASE("every copy of a pinned model counts that its devices could hold") {
    wd::ModelConfiguration two = model("a", 4_GiB);
    two.copies = 2;
    CHECK(impossible({two, model("b", 4_GiB)}, {gpu("GPU-1", 10_GiB)}) == kBoth);
    CHECK(impossible({two, model("b", 2_GiB)}, {gpu("GPU-1", 10_GiB)}) == kNone);
    CHECK(impossible({two, model("b", 4_GiB)}, {gpu("GPU-1", 9_GiB), gpu("GPU-2", 5_GiB)}) ==
          kNone);
    wd::ModelConfiguration many = model("a", 4_GiB);
    many.copies = 64;
    CHECK(impossible({many}, {gpu("GPU-1", 10_GiB)}) == kNone);  // nobody else is kept out
    many.copies.reset();                                         // "auto": as many as fit
    CHECK(impossible({many, model("b", 4_GiB)}, {gpu("GPU-1", 10_GiB)}) == kNone);
    two.pinned = false;  // one of them makes room for b
    CHECK(wd::judge_room({two, model("b", 4_GiB)}, {gpu("GPU-1", 10_GiB)}, {}).crowded.empty());
}

TEST_CASE("three that fit by twos are named together, and no others") {
    const std::vector models = {model("a", 4_GiB), model("b", 4_GiB), model("c", 4_GiB),
                                model("tiny", 1_GiB)};
    CHECK(impossible(models, {gpu("GPU-1", 10_GiB)}) == Names{{"a", "b", "c"}});
    CHECK(impossible(models, {gpu("GPU-1", 13_GiB)}) == kNone);
    // Best fit alone would put c beside a, and then d nowhere.
    CHECK(impossible({model("a", 6_GiB), model("b", 5_GiB), model("c", 5_GiB), model("d", 4_GiB)},
                     {gpu("GPU-1", 10_GiB), gpu("GPU-2", 10_GiB)}) == kNone);
}

TEST_CASE("a model counts only where it may run") {
    wd::ModelConfiguration here = model("a", 6_GiB);
    here.devices = wd::DeviceChoice::listed;
    here.device_uuids = {"GPU-1"};
    wd::ModelConfiguration too = model("b", 6_GiB);
    too.devices = wd::DeviceChoice::listed;
    too.device_uuids = {"GPU-1"};
    const std::vector gpus = {gpu("GPU-1", 10_GiB), gpu("GPU-2", 10_GiB)};
    CHECK(impossible({here, too}, gpus) == kBoth);
    CHECK(impossible({here, model("b", 6_GiB)}, gpus) == kNone);
    too.device_uuids = {"GPU-2"};
    CHECK(impossible({here, too}, gpus) == kNone);
    wd::ModelConfiguration cpu = model("b", 40_GiB);
    cpu.devices = wd::DeviceChoice::cpu;
    CHECK(impossible({here, cpu}, gpus) == kNone);
    // Without a GPU, what may run anywhere runs there.
    CHECK(impossible({model("a", 40_GiB), cpu}, {}) == kBoth);
}

TEST_CASE("what is not known is not judged") {
    const wd::ModelConfiguration b = model("b", 6_GiB);
    CHECK(impossible({model("a", {}), b}, {gpu("GPU-1", 10_GiB)}) == kNone);
    CHECK(impossible({model("a", 20_GiB), b}, {gpu("GPU-1", 10_GiB)}) == kNone);  // never fits
    CHECK(impossible({model("a", 6_GiB), b}, {gpu("GPU-1", 10_GiB), gpu("GPU-2", {})}) == kNone);
    wd::ModelConfiguration elsewhere = model("a", 6_GiB);
    elsewhere.devices = wd::DeviceChoice::listed;
    elsewhere.device_uuids = {"GPU-1", "GPU-9"};
    CHECK(impossible({elsewhere, b}, {gpu("GPU-1", 10_GiB)}) == kNone);
    CHECK(wd::judge_room({}, {}, {}).impossible.empty());
}

TEST_CASE("many models are judged in time, and only some pairs are told") {
    std::vector<wd::ModelConfiguration> models(300, model("", 6_GiB, false));
    for (std::size_t i = 0; i < models.size(); ++i) models[i].name = "m" + std::to_string(i);
    const auto verdict = wd::judge_room(models, {gpu("GPU-1", 10_GiB)}, {});
    CHECK(verdict.crowded.size() == 10);
    CHECK(verdict.untold == 300 * 299 / 2 - 10);
    // Their sum does not tell: two go to each device, and there is one too many.
    std::vector<core::DeviceSpec> gpus(16, gpu("", 80_GiB));
    for (std::size_t i = 0; i < gpus.size(); ++i) gpus[i].uuid = "GPU-" + std::to_string(i);
    models.assign(33, model("", 30_GiB));
    for (std::size_t i = 0; i < models.size(); ++i) models[i].name = "m" + std::to_string(i);
    REQUIRE(impossible(models, gpus).size() == 1);
    CHECK(impossible(models, gpus).front().size() == 33);
    models.pop_back();
    CHECK(impossible(models, gpus) == kNone);
}

namespace {

// Whether these models, of which each may go to the devices of its mask, fit: all ways are tried.
bool fit_somehow(const std::vector<std::uint64_t>& sizes, const std::vector<unsigned>& masks,
                 std::vector<std::uint64_t>& left, std::size_t index = 0) {
    if (index == sizes.size()) return true;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if ((masks[index] >> i & 1) == 0 || sizes[index] > left[i]) continue;
        left[i] -= sizes[index];
        const bool is_possible = fit_somehow(sizes, masks, left, index + 1);
        left[i] += sizes[index];
        if (is_possible) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("the search says what all ways together say") {
    std::uint32_t state = 1;
    const auto draw = [&state](std::uint32_t from, std::uint32_t to) {
        state = state * 1'664'525 + 1'013'904'223;  // Numerical Recipes' generator
        return from + (state >> 16) % (to - from + 1);
    };
    int refused = 0;
    for (int round = 0; round < 2'000; ++round) {
        CAPTURE(round);
        std::vector<std::uint64_t> left;
        std::vector<core::DeviceSpec> gpus;
        for (const char* uuid : {"GPU-0", "GPU-1", "GPU-2"}) {
            left.push_back(std::uint64_t{draw(2, 4)} * 3);
            gpus.push_back(gpu(uuid, Bytes{left.back() << 30}));
        }
        std::vector<std::uint64_t> sizes;
        std::vector<unsigned> masks;
        std::vector<wd::ModelConfiguration> models;
        for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
            sizes.push_back(draw(2, 6));
            masks.push_back(draw(0, 2) == 0 ? draw(1, 7) : 7);
            models.push_back(model(name, Bytes{sizes.back() << 30}));
            models.back().devices = wd::DeviceChoice::listed;
            for (std::size_t i = 0; i < gpus.size(); ++i) {
                if ((masks.back() >> i & 1) != 0) {
                    models.back().device_uuids.push_back(gpus[i].uuid);
                }
            }
        }
        const bool is_possible = fit_somehow(sizes, masks, left);
        refused += is_possible ? 0 : 1;
        REQUIRE(impossible(models, gpus).empty() == is_possible);
    }
    CHECK(refused > 200);
    CHECK(refused < 1'800);
}
