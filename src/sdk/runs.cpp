// Waiting, begun, over.
#include "sdk/runs.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace windlass::sdk {
namespace {

using RunPointer = std::unique_ptr<Run>;

template <class Container>
auto find_id(Container& runs, std::uint64_t id) {
    return std::ranges::find_if(runs, [id](const RunPointer& run) { return run->id == id; });
}

}  // namespace

Runs::Added Runs::add(std::unique_ptr<Run> run) {
    {
        const std::lock_guard lock{mutex_};
        // Both hold as many as the daemon's window lets through, some tens at most.
        if (find_id(waiting_, run->id) != waiting_.end() ||
            find_id(begun_, run->id) != begun_.end()) {
            return Added::id_in_use;
        }
        if (is_closed_) return Added::closed;
        if (move_) return Added::moving;
        if (is_offloaded_) return Added::offloaded;
        waiting_.push_back(std::move(run));
        if (std::exchange(is_waking_, true)) return Added::yes;
    }
    added_.notify_one();  // no system call unless a thread waits
    return Added::yes;
}

// Whoever waits here is woken by the next that is added, even if another was woken just now.
template <class IsThere>
void Runs::wait_for_more(std::unique_lock<std::mutex>& lock, IsThere is_there) {
    while (!is_there()) {
        is_waking_ = false;
        added_.wait(lock);
        is_waking_ = false;
    }
}

Run* Runs::take() {
    std::unique_lock lock{mutex_};
    wait_for_more(lock, [this] { return is_closed_ || !waiting_.empty(); });
    Run* const run = begin_first();
    if (!waiting_.empty() && !std::exchange(is_waking_, true)) added_.notify_one();
    return run;
}

Run* Runs::try_take() {
    const std::lock_guard lock{mutex_};
    return begin_first();
}

Runs::Next Runs::take_next() {
    std::unique_lock lock{mutex_};
    wait_for_more(lock, [this] { return is_closed_ || !waiting_.empty() || is_move_waiting_; });
    const std::optional<Move> move = take_move();
    return {.run = move ? nullptr : begin_first(), .move = move};
}

bool Runs::is_idle() {
    const std::lock_guard lock{mutex_};
    return !is_closed_ && waiting_.empty() && !is_move_waiting_;
}

Runs::Ordered Runs::order_move(Move move) {
    const std::lock_guard lock{mutex_};
    if (move_) return Ordered::open;
    if (is_closed_) return Ordered::closed;
    if (is_offloaded_ == (move == Move::offload)) return Ordered::there;
    if (!are_answered()) return Ordered::busy;
    move_ = move;
    is_move_waiting_ = true;
    added_.notify_all();
    over_.notify_all();
    return Ordered::yes;
}

bool Runs::are_answered() const {
    const auto is_over = [](const RunPointer& run) { return run->is_answered.load(); };
    return waiting_.empty() && std::ranges::all_of(begun_, is_over);
}

bool Runs::is_resting() {
    const std::lock_guard lock{mutex_};
    return !is_closed_ && !move_ && are_answered();
}

std::optional<Move> Runs::wait_for_move() {
    std::unique_lock lock{mutex_};
    over_.wait(lock, [this] { return is_closed_ || is_move_waiting_; });
    return take_move();
}

std::optional<Move> Runs::take_move() {
    if (is_closed_ || !is_move_waiting_) return std::nullopt;
    is_move_waiting_ = false;
    return move_;
}

void Runs::finish_move(bool is_done) {
    const std::lock_guard lock{mutex_};
    if (is_done) is_offloaded_ = move_ == Move::offload;
    move_.reset();
}

bool Runs::recall_move() {
    const std::lock_guard lock{mutex_};
    if (!std::exchange(is_move_waiting_, false)) return false;
    move_.reset();
    return true;
}

Run* Runs::begin_first() {
    if (is_closed_ || waiting_.empty()) return nullptr;
    begun_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    return begun_.back().get();
}

void Runs::finish(Run& run) {
    RunPointer over;  // outlives the lock: its body may be large
    const std::lock_guard lock{mutex_};
    const auto found = find_id(begun_, run.id);
    over = std::move(*found);
    begun_.erase(found);
    if (is_closed_) over_.notify_all();
}

bool Runs::recall(std::uint64_t id) {
    const std::lock_guard lock{mutex_};
    const auto found = find_id(waiting_, id);
    if (found == waiting_.end()) return false;
    waiting_.erase(found);
    return true;
}

std::vector<std::uint64_t> Runs::recall_all() {
    const std::lock_guard lock{mutex_};
    std::vector<std::uint64_t> ids;
    std::ranges::transform(waiting_, std::back_inserter(ids),
                           [](const auto& run) { return run->id; });
    waiting_.clear();
    return ids;
}

void Runs::cancel(std::uint64_t id) {
    const std::lock_guard lock{mutex_};
    if (const auto waiting = find_id(waiting_, id); waiting != waiting_.end()) {
        (*waiting)->request.cancel();
    } else if (const auto begun = find_id(begun_, id); begun != begun_.end()) {
        (*begun)->request.cancel();
    }
}

void Runs::cancel_all() {
    const std::lock_guard lock{mutex_};
    for (const RunPointer& run : waiting_) run->request.cancel();
    for (const RunPointer& run : begun_) run->request.cancel();
}

void Runs::close(std::optional<TimePoint> limit) {
    const std::lock_guard lock{mutex_};
    is_closed_ = true;
    if (!limit_) limit_ = limit;
    added_.notify_all();
    over_.notify_all();
}

bool Runs::wait_until_over() {
    std::unique_lock lock{mutex_};
    const auto is_over = [this] { return is_closed_ && begun_.empty(); };
    over_.wait(lock, [&] { return is_over() || limit_; });
    return limit_ ? over_.wait_until(lock, *limit_, is_over) : true;
}

bool Runs::has_begun() {
    const std::lock_guard lock{mutex_};
    return !begun_.empty();
}

}  // namespace windlass::sdk
