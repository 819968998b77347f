// Signs of life from the code that does the work.
#include "sdk/reporter.h"

#include <atomic>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "wire/frame.h"
#include "wire/frame_meta.h"

namespace windlass::sdk {
namespace {

// Far below the second that somebody who watches expects.
constexpr std::chrono::milliseconds kInterval{100};
constexpr std::size_t kPhaseSizeMax = 200;

thread_local Reporter* here = nullptr;
std::atomic<Reporter*> everywhere = nullptr;

std::string phase_text(std::string_view phase) {
    phase = phase.substr(0, kPhaseSizeMax);
    return base::to_valid_utf8(phase.substr(0, base::whole_characters_size(phase)));
}

}  // namespace

void Reporter::report(const worker::Progress& progress) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock{mutex_};
    const bool is_new_phase = !progress.phase.empty() && progress.phase != phase_;
    if (!is_open_ || (now < next_at_ && !is_new_phase)) return;
    next_at_ = now + kInterval;
    if (is_new_phase) phase_ = progress.phase;
    wire::Progress meta{.step = progress.step, .total = progress.total, .phase = {}};
    if (!progress.phase.empty()) meta.phase = phase_text(progress.phase);
    Piece piece{wire::encode_head(wire::FrameType::progress, id_, wire::to_json(meta))};
    is_new_phase ? outbox_.post(std::move(piece)) : outbox_.gather(std::move(piece));
}

void Reporter::reopen() {
    const std::lock_guard lock{mutex_};
    is_open_ = true;
    phase_.clear();
}

void Reporter::close() {
    const std::lock_guard lock{mutex_};
    is_open_ = false;
}

Reporting::Reporting(Reporter& reporter, Where where) : reporter_(reporter), where_(where) {
    if (where_ == Where::here) {
        here = &reporter;
    } else {
        everywhere = &reporter;
    }
}

Reporting::~Reporting() {
    if (where_ == Where::here) {
        here = nullptr;
    } else {
        everywhere = nullptr;
    }
    reporter_.close();
}

}  // namespace windlass::sdk

namespace windlass::worker {

void Request::progress(const Progress& progress) {
    if (reporter_ != nullptr) reporter_->report(progress);
}

void progress(const Progress& progress) {
    sdk::Reporter* const reporter =
        sdk::here != nullptr ? sdk::here : sdk::everywhere.load(std::memory_order_acquire);
    if (reporter != nullptr) reporter->report(progress);
}

}  // namespace windlass::worker
