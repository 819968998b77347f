// What keys and looks do to the state.
#include "cli/top_state.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "cli/body_text.h"
#include "cli/top_interval.h"

namespace windlass::cli {
namespace {

constexpr std::size_t kFilterMax = 64;

std::optional<double> share_of(const std::optional<std::uint64_t>& part,
                               const std::optional<std::uint64_t>& whole) {
    if (!part || !whole || *whole == 0) return std::nullopt;
    return static_cast<double>(*part) / static_cast<double>(*whole);
}

void remember(std::deque<std::optional<double>>& values, std::optional<double> value) {
    values.push_back(value);
    if (values.size() > TopState::kHistoryMax) values.pop_front();
}

}  // namespace

// --- looks

void TopState::take(TopLook look) {
    trouble_.clear();
    for (const DeviceState& device : look.devices.devices) {
        TopHistory& history = histories_[device.uuid];
        const bool is_known = device.state == "ok";  // else the numbers are old ones
        remember(history.used,
                 is_known ? share_of(device.used_bytes, device.capacity_bytes) : std::nullopt);
        remember(history.busy,
                 is_known ? share_of(device.busy_percent, std::uint64_t{100}) : std::nullopt);
    }
    if (is_paused_ && look_) return;
    look_ = std::move(look);
    settle();
}

void TopState::fail(std::string why) {
    trouble_ = std::move(why);
    for (auto& [uuid, history] : histories_) {
        remember(history.used, std::nullopt);
        remember(history.busy, std::nullopt);
    }
}

void TopState::say(std::string text) { said_ = std::move(text); }

void TopState::set_page(std::size_t rows) {
    page_ = std::max<std::size_t>(rows, 1);
    settle();
}

const TopHistory* TopState::find_history(const std::string& uuid) const {
    const auto found = histories_.find(uuid);
    return found == histories_.end() ? nullptr : &found->second;
}

std::vector<TopRow> TopState::rows() const {
    if (!look_) return {};
    return rows_of(*look_, {.sort = sort_, .filter = filter_, .folded = folded_});
}

// --- what is chosen

// Keeps the chosen row in sight; where it is gone, another one is chosen.
void TopState::settle() {
    const std::vector<TopRow> all = rows();
    const auto is_choice = [](const TopRow& row) { return !row.id.empty(); };
    auto row = std::ranges::find(all, chosen_, &TopRow::id);
    if (chosen_.empty() || row == all.end()) row = std::ranges::find_if(all, is_choice);
    if (row == all.end()) {
        chosen_.clear();
        scroll_ = 0;
        return;
    }
    chosen_ = row->id;
    const auto index = static_cast<std::size_t>(row - all.begin());
    // What stands above the first choice is seen with it.
    const bool is_first = std::ranges::none_of(all.begin(), row, is_choice);
    if (is_first) scroll_ = 0;
    if (index < scroll_) scroll_ = index;
    if (index >= scroll_ + page_) scroll_ = index + 1 - page_;
    scroll_ = std::min(scroll_, all.size() - std::min(all.size(), page_));
}

void TopState::move(std::ptrdiff_t by) {
    std::vector<std::string> choices;
    for (TopRow& row : rows()) {
        if (!row.id.empty()) choices.push_back(std::move(row.id));
    }
    if (choices.empty()) return;
    const auto found = std::ranges::find(choices, chosen_);
    const auto last = static_cast<std::ptrdiff_t>(choices.size()) - 1;
    const std::ptrdiff_t at = found == choices.end() ? 0 : found - choices.begin();
    chosen_ = choices[static_cast<std::size_t>(std::clamp(at + by, std::ptrdiff_t{0}, last))];
    settle();
}

void TopState::fold(bool wanted) {
    const std::vector<TopRow> all = rows();
    const auto row = std::ranges::find(all, chosen_, &TopRow::id);
    if (row == all.end() || !row->can_fold) return;
    if (wanted) {
        folded_.insert(chosen_);
    } else {
        folded_.erase(chosen_);
    }
    settle();
}

void TopState::ask_to_kill() {
    const std::vector<TopRow> all = rows();
    const auto row = std::ranges::find(all, chosen_, &TopRow::id);
    const WorkerState* const worker = row == all.end() ? nullptr : row->worker;
    if (worker == nullptr) return say("choose a worker, or what is below it, to kill it");
    target_ = KillTarget{.worker = worker->id,
                         .pid = worker->pid,
                         .model = one_line(worker->model),
                         .running = worker->running.size()};
    mode_ = TopMode::kill;
}

TopAct TopState::set_interval(base::Duration wanted) {
    interval_ = std::clamp(wanted, kShortestInterval, kLongestInterval);
    return TopAct::set_interval;
}

// --- keys

TopAct TopState::handle(Key key) {
    said_.clear();
    switch (mode_) {
        case TopMode::list: return handle_list(key);
        case TopMode::help: mode_ = TopMode::list; return TopAct::none;
        case TopMode::filter: handle_filter(key); return TopAct::none;
        case TopMode::kill: return handle_kill(key);
    }
    return TopAct::none;
}

TopAct TopState::handle_list(Key key) {
    const auto page = static_cast<std::ptrdiff_t>(page_);
    constexpr auto kFar = std::ptrdiff_t{1} << 30;
    switch (key.code) {
        case KeyCode::character: return handle_character(key.character);
        case KeyCode::up: move(-1); break;
        case KeyCode::down: move(1); break;
        case KeyCode::page_up: move(-page); break;
        case KeyCode::page_down: move(page); break;
        case KeyCode::home: move(-kFar); break;
        case KeyCode::end: move(kFar); break;
        case KeyCode::left: fold(true); break;
        case KeyCode::right: fold(false); break;
        case KeyCode::enter: fold(!folded_.contains(chosen_)); break;
        case KeyCode::escape:
            filter_.clear();
            settle();
            break;
        case KeyCode::backspace: break;
    }
    return TopAct::none;
}

TopAct TopState::handle_character(char character) {
    switch (character) {
        case 'q': return TopAct::quit;
        case '?':
        case 'h': mode_ = TopMode::help; break;
        case '/': mode_ = TopMode::filter; break;
        case 's':
            sort_ = sort_ == TopSort::age ? TopSort::memory
                                          : static_cast<TopSort>(std::to_underlying(sort_) + 1);
            settle();
            break;
        case 'p': is_paused_ = !is_paused_; break;
        case ' ': fold(!folded_.contains(chosen_)); break;
        case 'k': ask_to_kill(); break;
        case '+': return set_interval(interval_ * 2);
        case '-': return set_interval(interval_ / 2);
        default: say("? shows the keys"); break;
    }
    return TopAct::none;
}

// Nothing but `y` kills.
TopAct TopState::handle_kill(Key key) {
    mode_ = TopMode::list;
    if (key.code == KeyCode::character && key.character == 'y') return TopAct::kill;
    say("nothing was killed");
    return TopAct::none;
}

void TopState::handle_filter(Key key) {
    switch (key.code) {
        case KeyCode::character:
            if (filter_.size() < kFilterMax) filter_ += key.character;
            break;
        case KeyCode::backspace:
            if (!filter_.empty()) filter_.pop_back();
            break;
        case KeyCode::escape: filter_.clear(); [[fallthrough]];
        case KeyCode::enter: mode_ = TopMode::list; break;
        case KeyCode::up:
        case KeyCode::down:
        case KeyCode::left:
        case KeyCode::right:
        case KeyCode::page_up:
        case KeyCode::page_down:
        case KeyCode::home:
        case KeyCode::end: break;
    }
    settle();
}

}  // namespace windlass::cli
