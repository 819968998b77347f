// The model behind `windlass ballast`: takes device memory and is busy on request, through the CUDA
// driver alone. Stands in for a real model in tests and demonstrations.
#pragma once

#include <windlass/device_allocator.h>
#include <windlass/offload.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "guard/cuda_driver.h"

namespace windlass::cli {

struct BallastSettings {
    base::Bytes bytes;
    base::Duration run{};
};

base::Result<BallastSettings> parse_ballast(const std::vector<std::string>& words);

// Thread: as the worker SDK calls it; runs may be beside each other.
class Ballast : public worker::OffloadableModel, public worker::DeviceAllocator {
  public:
    explicit Ballast(BallastSettings settings) : settings_(settings) {}

    worker::Outcome<void> load(const std::string& device) override;
    // A body that is a number is the time to be busy, in milliseconds, instead of the usual one.
    worker::Outcome<worker::Answer> run(worker::Request& request) override;
    // All of its bytes, into pinned memory and back.
    worker::Outcome<void> offload() override;
    worker::Outcome<void> restore(const std::string& device) override;
    void unload() override;
    // It takes its bytes in one piece, and nothing for its runs.
    void reset_device_peak() override {}
    worker::DeviceMemory read_device_memory() override;

  private:
    base::Result<void> take();
    base::Result<void> move_out(const guard::CudaDriver& driver);
    base::Result<void> move_in(const guard::CudaDriver& driver);
    base::Result<void> work_once(const guard::CudaDriver& driver, driver_abi::CuDevicePtr page,
                                 unsigned char value);
    base::Result<std::uint64_t> work(const guard::CudaDriver& driver, worker::Request& request,
                                     std::size_t page);
    std::size_t take_page();
    void give_page(std::size_t page);

    BallastSettings settings_;
    std::optional<guard::CudaDriver> driver_;
    driver_abi::CuDevicePtr memory_ = 0;  // 0: it takes none of the device
    void* host_ = nullptr;                // where its bytes are then
    // Which pages runs are busy with: each has one of its own, or it would find another's bytes.
    std::mutex pages_mutex_;
    std::vector<bool> pages_;
};

// Takes the bytes and says so with a line of JSON that has its `pid`; each line of stdin is then a
// request, answered with a line, until there are no more. Returns the exit code.
int hold_ballast(Ballast& ballast);

}  // namespace windlass::cli
