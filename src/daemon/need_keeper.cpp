// Orders to the store, and what becomes of them in log and health.
#include "daemon/need_keeper.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "store/sqlite/sqlite_store.h"

namespace windlass::daemon {

namespace log = base::log;

namespace {

// After settle(), which lets it write: to close the file.
constexpr base::Duration kCloseWait = std::chrono::milliseconds{250};

}  // namespace

NeedKeeper::NeedKeeper(io::Loop& loop, std::string path, Recalled recalled)
    : path_(std::move(path)), recalled_(std::move(recalled)) {
    auto made = store::sqlite::SqliteStore::make(loop, path_, kCloseWait);
    if (made) {
        store_ = std::move(*made);
        read();
    } else {
        note(std::move(made).error());
    }
}

NeedKeeper::NeedKeeper(std::unique_ptr<store::Store> store, std::string name, Recalled recalled)
    : path_(std::move(name)), recalled_(std::move(recalled)), store_(std::move(store)) {
    read();
}

void NeedKeeper::read() {
    store_->read_peaks(
        [this](base::Result<std::vector<store::Peak>> peaks) { on_read(std::move(peaks)); });
}

void NeedKeeper::on_read(base::Result<std::vector<store::Peak>> peaks) {
    if (!peaks) return note(std::move(peaks).error());
    log::info("store.opened", {{"path", path_}, {"peaks", peaks->size()}});
    for (const store::Peak& peak : *peaks) peaks_[peak.key].push_back(peak.bytes);
    for (const auto& [key, bytes] : peaks_) recalled_(key, bytes);
}

void NeedKeeper::note(const base::Result<void>& result) {
    if (result && failure_) {
        log::info("store.recovered", {{"path", path_}});
        failure_.reset();
    }
    if (result || failure_ == result.error()) return;
    failure_ = result.error();
    log::warning("store.failed", {{"type", base::traits(failure_->code).name},
                                  {"message", failure_->message},
                                  {"path", path_}});
}

void NeedKeeper::settle(base::Duration limit) {
    if (store_ == nullptr || store_->settle(limit)) return;
    log::warning("store.late", {{"path", path_}, {"waited", limit}});
}

void NeedKeeper::finish(base::Duration limit) {
    settle(limit);
    store_.reset();
}

void NeedKeeper::remember(const store::Peak& peak) {
    if (store_ == nullptr) return;
    store_->remember_peak(peak, [this](const base::Result<void>& result) { note(result); });
}

void NeedKeeper::forget(const store::NeedKey& key) {
    if (store_ == nullptr) return;
    store_->forget_peaks(key, [this](const base::Result<void>& result) { note(result); });
}

void NeedKeeper::recall(const std::string& model) const {
    for (const auto& [key, bytes] : peaks_) {
        if (key.model == model) recalled_(key, bytes);
    }
}

std::optional<http::Trouble> NeedKeeper::trouble() const {
    if (!failure_) return std::nullopt;
    return http::Trouble{.reason = "store_failed", .device = {}, .message = failure_->message};
}

}  // namespace windlass::daemon
