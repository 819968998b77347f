// What a worker's environment is made of, and its private directory.
#include "worker/environment.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "worker/temporary_directory.h"

namespace base = windlass::base;
namespace worker = windlass::worker;
namespace fs = std::filesystem;

TEST_CASE("the model's table lies above the daemon's environment, and Windlass's own above both") {
    const worker::EnvironmentOrder order{
        .model_table = {{"B", "model"}, {"TMPDIR", "/else"}, {"CUDA_VISIBLE_DEVICES", "0"}},
        .daemon_id = "d1",
        .generation = 17,
        .variant = "",
        .device = "cpu",
        .temporary_dir = "/run/t"};
    CHECK(worker::make_environment({"A=1", "B=daemon", "C=x=y", "WINDLASS_WORKER=of/1",
                                    "WINDLASS_VARIANT=of the daemon's own", "junk"},
                                   order) ==
          std::vector<std::string>{"A=1", "B=model", "C=x=y", "CUDA_VISIBLE_DEVICES=",
                                   "ROCR_VISIBLE_DEVICES=", "TMPDIR=/run/t", "WINDLASS_CHANNEL=3",
                                   "WINDLASS_WORKER=d1/17"});
}

TEST_CASE(
    "a GPU is made visible by its UUID, and called as PyTorch calls the one that is visible") {
    const std::vector<std::string> environment =
        worker::make_environment({}, {.model_table = {},
                                      .daemon_id = "d",
                                      .generation = 1,
                                      .variant = "fp16",
                                      .device = "GPU-8a1c",
                                      .temporary_dir = "/t"});
    CHECK(std::ranges::count(environment, "WINDLASS_VARIANT=fp16") == 1);
    CHECK(std::ranges::count(environment, "CUDA_VISIBLE_DEVICES=GPU-8a1c") == 1);
    CHECK(std::ranges::count(environment, "ROCR_VISIBLE_DEVICES=") == 1);
    CHECK(std::ranges::count(environment, "WINDLASS_STANDBY=1") == 0);
    CHECK(worker::name_inside("GPU-8a1c") == "cuda");
    CHECK(worker::name_inside("cpu") == "cpu");
}

TEST_CASE("[R25] AMD's GPUs are shown to ROCm, NVIDIA's to CUDA, and HIP's own choice stays") {
    worker::EnvironmentOrder order{.model_table = {{"HIP_VISIBLE_DEVICES", "0"}},
                                   .daemon_id = "d",
                                   .generation = 1,
                                   .variant = "",
                                   .device = "GPU-a1b2c3d4e5f60718",
                                   .temporary_dir = "/t"};
    auto environment = worker::make_environment({"CUDA_VISIBLE_DEVICES=1"}, order);
    CHECK(std::ranges::count(environment, "ROCR_VISIBLE_DEVICES=GPU-a1b2c3d4e5f60718") == 1);
    CHECK(std::ranges::count(environment, "CUDA_VISIBLE_DEVICES=") == 1);
    CHECK(std::ranges::count(environment, "HIP_VISIBLE_DEVICES=0") == 1);
    CHECK(worker::name_inside(order.device) == "cuda");
    order.device = "GPU-1,GPU-a1b2c3d4e5f60718,GPU-00000000000000ff,GPU-2";  // one on standby
    environment = worker::make_environment({}, order);
    CHECK(std::ranges::count(environment, "CUDA_VISIBLE_DEVICES=GPU-1,GPU-2") == 1);
    CHECK(std::ranges::count(environment,
                             "ROCR_VISIBLE_DEVICES=GPU-a1b2c3d4e5f60718,"
                             "GPU-00000000000000ff") == 1);
}

TEST_CASE("a process on standby sees all GPUs that it may be for, and knows that it is one") {
    const std::vector<std::string> environment =
        worker::make_environment({"WINDLASS_STANDBY=of the daemon's own"}, {.model_table = {},
                                                                            .daemon_id = "d",
                                                                            .generation = 1,
                                                                            .variant = "",
                                                                            .device = "GPU-1,GPU-2",
                                                                            .is_standby = true,
                                                                            .temporary_dir = "/t"});
    CHECK(std::ranges::count(environment, "CUDA_VISIBLE_DEVICES=GPU-1,GPU-2") == 1);
    CHECK(std::ranges::count(environment, "WINDLASS_STANDBY=1") == 1);
}

TEST_CASE("a temporary directory is private and goes in steps") {
    const std::string parent = fs::temp_directory_path();
    worker::TemporaryDirectory directory =
        worker::TemporaryDirectory::make(parent, "wl-environment-test").value();
    const fs::path path = directory.path();
    CHECK(fs::status(path).permissions() == fs::perms::owner_all);
    fs::create_directories(path / "a" / "b");
    for (const char* name : {"1", "2", "a/3", "a/b/4"}) std::ofstream{path / name} << "x";
    fs::create_directory_symlink(parent, path / "link");
    int steps = 0;
    while (!directory.remove_some(2)) ++steps;
    CHECK(steps == 4);  // 5 files, 3 directories
    CHECK_FALSE(fs::exists(path));
    CHECK(fs::exists(parent));
}

TEST_CASE("a directory that cannot be made is an error that names it") {
    const auto directory = worker::TemporaryDirectory::make("/nowhere/at/all", "x");
    REQUIRE_FALSE(directory.has_value());
    CHECK(directory.error().code == base::Errc::not_found);
    CHECK(
        directory.error().message.starts_with("making the temporary directory /nowhere/at/all/x"));
}
