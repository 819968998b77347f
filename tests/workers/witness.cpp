// The model of tests/outside: an answer proves what the weights on the device are, and the process
// accuses whoever lets a run and a move of its weights meet. outside_model.py knows what to expect.
//
//     windlass-witness-worker NAME BYTES        a request: ID MILLISECONDS
#include <windlass/offload.h>
#include <windlass/worker.h>

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "guard/cuda_driver.h"

namespace {

namespace abi = windlass::driver_abi;
namespace worker = windlass::worker;
using windlass::base::Result;
using windlass::guard::CudaDriver;
using worker::Answer;
using worker::ErrorType;
using worker::Outcome;

constexpr std::size_t kPageWords = 512;
constexpr std::size_t kUnit = std::size_t{4} << 20;  // a page of each is written and read
constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325;
constexpr std::uint64_t kFnvPrime = 0x100000001b3;
using Page = std::array<std::uint64_t, kPageWords>;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) { return (hash ^ value) * kFnvPrime; }

// xorshift64 (Marsaglia 2003), begun with the name's FNV-1a: no two models have the same weights.
class Pattern {
  public:
    explicit Pattern(std::string_view name) {
        for (const char letter : name) state_ = mix(state_, static_cast<unsigned char>(letter));
    }
    Page next_page() {
        Page page;
        for (std::uint64_t& word : page) {
            state_ ^= state_ << 13;
            state_ ^= state_ >> 7;
            state_ ^= state_ << 17;
            word = state_;
        }
        return page;
    }

  private:
    std::uint64_t state_ = kFnvBasis;
};

std::uint64_t parse(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// Who is inside the model: any number of runs, or one hook. Where that is broken somebody is
// accused, in a line of the log, and no later answer is good.
class Presence {
  public:
    void enter_run() {
        const std::lock_guard lock{mutex_};
        ++runs_;
        if (!hook_.empty()) accuse(fmt::format("a run began during {}", hook_));
    }
    void leave_run() {
        const std::lock_guard lock{mutex_};
        --runs_;
    }
    void enter_hook(const std::string& name) {
        const std::lock_guard lock{mutex_};
        if (runs_ > 0) accuse(fmt::format("{} began beside {} runs", name, runs_));
        if (!hook_.empty()) accuse(fmt::format("{} began during {}", name, hook_));
        hook_ = name;
    }
    void leave_hook() {
        const std::lock_guard lock{mutex_};
        if (runs_ > 0) accuse(fmt::format("{} ended beside {} runs", hook_, runs_));
        hook_.clear();
    }
    std::string accusation() {
        const std::lock_guard lock{mutex_};
        return accusation_;
    }

  private:
    void accuse(const std::string& what) {
        accusation_ = what;
        std::fputs(fmt::format("witness: {}\n", what).c_str(), stdout);
        std::fflush(stdout);  // it may be killed before its buffer is written
    }

    std::mutex mutex_;
    std::string hook_;
    int runs_ = 0;
    std::string accusation_;
};

class RunPresence {
  public:
    explicit RunPresence(Presence& presence) : presence_(presence) { presence_.enter_run(); }
    ~RunPresence() { presence_.leave_run(); }
    RunPresence(const RunPresence&) = delete;
    RunPresence& operator=(const RunPresence&) = delete;

  private:
    Presence& presence_;
};

class HookPresence {
  public:
    HookPresence(Presence& presence, const std::string& name) : presence_(presence) {
        presence_.enter_hook(name);
    }
    ~HookPresence() { presence_.leave_hook(); }
    HookPresence(const HookPresence&) = delete;
    HookPresence& operator=(const HookPresence&) = delete;

  private:
    Presence& presence_;
};

Outcome<void> report(const Result<void>& result) {
    if (result) return {};
    const bool is_short = result.error().code == windlass::base::Errc::out_of_memory;
    return worker::fail(is_short ? ErrorType::out_of_memory : ErrorType::internal,
                        result.error().message);
}

class Witness : public worker::OffloadableModel {
  public:
    Witness(std::string name, std::size_t bytes) : name_(std::move(name)), bytes_(bytes) {}

    Outcome<void> load(const std::string& /*device*/) override {
        const HookPresence present{presence_, "load"};
        return report(take());
    }

    Outcome<Answer> run(worker::Request& request) override {
        const RunPresence present{presence_};
        const std::size_t end = std::min(request.body.find(' '), request.body.size());
        const std::string id = request.body.substr(0, end);
        const std::uint64_t length_ms =
            parse(std::string_view{request.body}.substr(std::min(end + 1, request.body.size())));
        std::this_thread::sleep_for(  // lint: sleep is the subject (the length of the run)
            std::chrono::milliseconds{length_ms});
        const Result<std::uint64_t> digest = read();
        if (!digest) return worker::fail(ErrorType::data_corrupt, digest.error().message);
        if (const std::string accusation = presence_.accusation(); !accusation.empty())
            return worker::fail(ErrorType::data_corrupt, accusation);
        return Answer{.body = fmt::format("{} {} {:016x}", id, getpid(), *digest),
                      .content_type = "text/plain"};
    }

    Outcome<void> offload() override {
        const HookPresence present{presence_, "offload"};
        return report(move_out());
    }
    Outcome<void> restore(const std::string& /*device*/) override {
        const HookPresence present{presence_, "restore"};
        return report(move_in());
    }
    void unload() override { const HookPresence present{presence_, "unload"}; }

  private:
    Result<void> take() {
        driver_ = std::make_unique<CudaDriver>(WL_TRY(CudaDriver::open()));
        WL_TRY(enter_context());
        WL_TRY(driver_->call(abi::cuMemAlloc_v2, &memory_, bytes_));
        Pattern pattern{name_};
        for (std::size_t at = 0; at < bytes_; at += kUnit) {
            const Page page = pattern.next_page();
            WL_TRY(driver_->call(abi::cuMemcpyHtoD_v2, memory_ + at, page.data(), sizeof(Page)));
        }
        return driver_->call(abi::cuCtxSynchronize);
    }

    // Contexts are current to a thread, and runs may be on other threads than the load.
    Result<void> enter_context() const {
        abi::CuContext context = nullptr;
        WL_TRY(driver_->call(abi::cuDevicePrimaryCtxRetain, &context, 0));
        return driver_->call(abi::cuCtxSetCurrent, context);
    }

    // FNV-1a over the words of all pages, as they are on the device now.
    Result<std::uint64_t> read() const {
        WL_TRY(enter_context());
        WL_TRY(driver_->call(abi::cuDevicePrimaryCtxRelease_v2, 0));
        std::uint64_t hash = kFnvBasis;
        for (std::size_t at = 0; at < bytes_; at += kUnit) {
            Page page;
            WL_TRY(driver_->call(abi::cuMemcpyDtoH_v2, page.data(), memory_ + at, sizeof(Page)));
            for (const std::uint64_t word : page) hash = mix(hash, word);
        }
        return hash;
    }

    Result<void> move_out() {
        WL_TRY(driver_->call(abi::cuMemHostAlloc, &host_, bytes_, 0U));
        WL_TRY(driver_->call(abi::cuMemcpyDtoH_v2, host_, memory_, bytes_));
        WL_TRY(driver_->call(abi::cuMemFree_v2, memory_));
        memory_ = 0;
        return {};
    }

    Result<void> move_in() {
        WL_TRY(driver_->call(abi::cuMemAlloc_v2, &memory_, bytes_));
        WL_TRY(driver_->call(abi::cuMemcpyHtoD_v2, memory_, host_, bytes_));
        return driver_->call(abi::cuMemFreeHost, host_);
    }

    std::string name_;
    std::size_t bytes_;
    Presence presence_;
    std::unique_ptr<CudaDriver> driver_;  // there from the load on
    abi::CuDevicePtr memory_ = 0;
    void* host_ = nullptr;
};

}  // namespace

int main(int count, char** words) {
    const std::span arguments{words, static_cast<std::size_t>(count)};
    const std::size_t bytes = count == 3 ? parse(arguments[2]) : 0;
    if (bytes == 0) {
        std::fputs("write it as: windlass-witness-worker NAME BYTES\n", stderr);
        return 2;
    }
    Witness witness{arguments[1], bytes};
    return worker::serve(witness);
}
