// Orders to the store, and what becomes of them in log and health.
#include "daemon/need_keeper.h"

#include <fmt/core.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "store/sqlite/sqlite_store.h"
#include "wire/bytes_max.h"

namespace windlass::daemon {

namespace log = base::log;

namespace {

// So long its thread may be silent before people are told: three of its ticks, were it to tick.
constexpr base::Duration kSilenceMax = std::chrono::seconds{3};

// Whoever is told is asked to move the file away and to restart.
bool may_heal(const base::Error& error) {
    return error.code != base::Errc::data_corrupt && error.code != base::Errc::unsupported;
}

}  // namespace

NeedKeeper::NeedKeeper(io::Loop& loop, const File& file, Recalled recalled)
    : NeedKeeper(loop, nullptr, {.name = file.path}, std::move(recalled)) {
    using store::sqlite::OrderThread;
    auto on_commit = [tell = file.on_commit](const OrderThread::Commit& commit) {
        if (tell) tell(commit.whole, commit.sync);
    };
    auto made = store::sqlite::SqliteStore::make(
        loop, file.path,
        {.ballast_bytes = file.reserve.count(), .on_commit = std::move(on_commit)});
    if (made) {
        jobs_ = &(*made)->jobs();
        store_ = std::move(*made);
        read();
    } else {
        note(std::move(made).error());
    }
}

NeedKeeper::NeedKeeper(io::Loop& loop, std::unique_ptr<store::Store> store, Options options,
                       Recalled recalled)
    : options_(std::move(options)),
      recalled_(std::move(recalled)),
      reread_(loop, [this] { read(); }),
      store_(std::move(store)) {
    read();
}

void NeedKeeper::read() {
    if (store_ == nullptr) return;
    store_->read_peaks(
        [this](base::Result<std::vector<store::Peak>> peaks) { on_read(std::move(peaks)); });
}

void NeedKeeper::on_read(base::Result<std::vector<store::Peak>> peaks) {
    if (!peaks) {
        if (may_heal(peaks.error())) reread_.start(options_.reread_after);
        return note(std::move(peaks).error());
    }
    note({});
    log::info("store.opened", {{"path", options_.name}, {"peaks", peaks->size()}});
    for (const store::Peak& peak : *peaks) {
        if (peak.bytes.count() <= wire::kBytesMax) peaks_[peak.key].push_back(peak.bytes);
    }
    for (const auto& [key, bytes] : peaks_) recalled_(key, bytes);
}

void NeedKeeper::note(const base::Result<void>& result) {
    if (result && failure_) {
        log::info("store.recovered", {{"path", options_.name}});
        failure_.reset();
    }
    if (result || failure_ == result.error()) return;
    failure_ = result.error();
    log::warning("store.failed", {{"type", base::traits(failure_->code).name},
                                  {"message", failure_->message},
                                  {"path", options_.name}});
}

void NeedKeeper::settle(base::Duration limit) {
    if (store_ == nullptr || store_->settle(limit)) return;
    log::warning("store.late", {{"path", options_.name}, {"waited", limit}});
}

void NeedKeeper::finish(base::Duration limit) {
    reread_.stop();
    if (store_ != nullptr && !store_->finish(limit)) {
        log::warning("store.late", {{"path", options_.name}, {"waited", limit}});
    }
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

void NeedKeeper::recall(const std::string& model, const std::string& variant) const {
    for (const auto& [key, bytes] : peaks_) {
        if (key.model == model && key.variant == variant) recalled_(key, bytes);
    }
}

std::optional<http::Trouble> NeedKeeper::trouble() const {
    if (store_ != nullptr && store_->silent_for() >= kSilenceMax) {
        return http::Trouble{
            .reason = "store_late",
            .device = {},
            .message =
                fmt::format("{} has not answered for {} s; its disk is too slow or hangs, "
                            "or another program holds the file (`fuser -v {}`)",
                            options_.name,
                            std::chrono::floor<std::chrono::seconds>(store_->silent_for()).count(),
                            options_.name)};
    }
    if (!failure_) return std::nullopt;
    return http::Trouble{.reason = "store_failed", .device = {}, .message = failure_->message};
}

}  // namespace windlass::daemon
