// Queues, flows, tallies, keys and slices: read once, written at the end of each transaction.
#include "store/sqlite/job_book.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <sstream>

#include "store/job_rules.h"

namespace windlass::store::sqlite {
namespace {

std::size_t hash_of(const std::string& key) { return std::hash<std::string>{}(key); }

template <std::size_t n>
void put_counts(std::string& text, const std::array<std::uint64_t, n>& counts) {
    for (const std::uint64_t count : counts) text += fmt::format("{} ", count);
}

std::string counts_text(const JobSlice& slice) {
    std::string text;
    put_counts(text, slice.jobs);
    put_counts(text, slice.attempts);
    return text;
}

}  // namespace

JobSlice slice_of_row(const Statement& row, int column) {
    JobSlice slice;
    std::istringstream counts{row.text(column)};
    for (std::uint64_t& count : slice.jobs) counts >> count;
    for (std::uint64_t& count : slice.attempts) counts >> count;
    slice.queue = TimeSketch::from_bytes(row.blob(column + 1));
    slice.load = TimeSketch::from_bytes(row.blob(column + 2));
    slice.run = TimeSketch::from_bytes(row.blob(column + 3));
    return slice;
}

base::Result<std::optional<JobSlice>> select_slice(Connection& connection, std::int64_t number,
                                                   std::int64_t queue) {
    Statement select =
        WL_TRY(connection.kept("SELECT counts, queue_times, load_times, run_times FROM slice "
                               "WHERE number=? AND queue=?"));
    select.bind(number).bind(queue);
    if (!WL_TRY(select.step())) return std::optional<JobSlice>{};
    return std::optional{slice_of_row(select, 0)};
}

// --- reading

base::Result<void> JobBook::opened(Connection& connection) {
    queues_.clear();
    by_model_.clear();
    keys_.clear();
    slices_.clear();
    recent_.forget_all();
    committed();
    Statement queues = WL_TRY(connection.prepare("SELECT id, model, clock FROM queue"));
    while (WL_TRY(queues.step())) {
        JobQueue queue{.id = queues.number(0), .model = queues.text(1)};
        queue.order.clock = queue.clock_stored = queues.number(2);
        by_model_[queue.model] = queue.id;
        queues_.emplace(queue.id, std::move(queue));
    }
    Statement flows = WL_TRY(connection.prepare("SELECT queue, tenant, priority, tail FROM flow"));
    while (WL_TRY(flows.step())) {
        const auto found = queues_.find(flows.number(0));
        if (found == queues_.end() || flows.number(3) <= found->second.order.clock) continue;
        found->second.order.tails[{flows.text(1), static_cast<int>(flows.number(2))}] =
            flows.number(3);
    }
    Statement tallies = WL_TRY(connection.prepare("SELECT queue, state, count FROM tally"));
    while (WL_TRY(tallies.step())) {
        const auto found = queues_.find(tallies.number(0));
        const auto state = static_cast<std::size_t>(tallies.number(1));
        if (found == queues_.end() || state >= kJobStates) continue;
        found->second.counts[state] = found->second.counts_stored[state] = tallies.number(2);
    }
    Statement keys = WL_TRY(connection.prepare("SELECT id, key FROM job WHERE key <> ''"));
    while (WL_TRY(keys.step())) {
        keys_.emplace(hash_of(keys.text(1)), JobId{static_cast<std::uint64_t>(keys.number(0))});
    }
    return {};
}

// --- queues

const JobQueue* JobBook::find_queue(const std::string& model) const {
    const auto found = by_model_.find(model);
    return found == by_model_.end() ? nullptr : &queues_.at(found->second);
}

base::Result<std::int64_t> JobBook::make_queue(Connection& connection, const std::string& model) {
    if (const JobQueue* const queue = find_queue(model)) return queue->id;
    Statement insert = WL_TRY(connection.kept("INSERT INTO queue(model, clock) VALUES(?, 0)"));
    WL_TRY(insert.bind(model).run());
    const std::int64_t id = connection.last_rowid();
    queues_.emplace(id, JobQueue{.id = id, .model = model});
    by_model_[model] = id;
    touched_[id] = true;
    return id;
}

const std::string& JobBook::model(std::int64_t queue) const {
    static const std::string kNone;
    const auto found = queues_.find(queue);
    return found == queues_.end() ? kNone : found->second.model;
}

JobQueue& JobBook::touch(std::int64_t queue) {
    touched_.emplace(queue, false);
    return queues_.at(queue);
}

void JobBook::count(std::int64_t queue, std::optional<JobState> from, std::optional<JobState> to) {
    JobQueue& changed = touch(queue);
    if (from) --changed.counts[std::to_underlying(*from)];
    if (to) ++changed.counts[std::to_underlying(*to)];
}

std::int64_t JobBook::enter(std::int64_t queue, const Flow& flow) {
    JobQueue& changed = touch(queue);
    const auto tail = changed.order.tails.find(flow);
    const bool has_tail = tail != changed.order.tails.end();
    tails_before_.emplace(FlowKey{queue, flow},
                          has_tail ? std::optional{tail->second} : std::nullopt);
    return changed.order.enter(flow);
}

void JobBook::dispatch(std::int64_t queue, std::int64_t rank) { touch(queue).order.dispatch(rank); }

// --- keys

std::vector<JobId> JobBook::find_key(const std::string& key) const {
    std::vector<JobId> jobs;
    const auto [begin, end] = keys_.equal_range(hash_of(key));
    for (auto at = begin; at != end; ++at) jobs.push_back(at->second);
    return jobs;
}

void JobBook::add_key(const std::string& key, JobId job) {
    keys_.emplace(hash_of(key), job);
    keys_added_.emplace_back(hash_of(key), job);
}

void JobBook::remove_key(const std::string& key, JobId job) {
    erase_key(hash_of(key), job);
    keys_removed_.emplace_back(hash_of(key), job);
}

void JobBook::erase_key(std::size_t hash, JobId job) {
    const auto [begin, end] = keys_.equal_range(hash);
    const auto found =
        std::find_if(begin, end, [job](const auto& one) { return one.second == job; });
    if (found != end) keys_.erase(found);
}

// --- attempts

void JobBook::begin(std::uint64_t incarnation) {
    incarnation_ = incarnation;
    last_attempt_ = incarnation << kIncarnationShift;
}

bool JobBook::is_next(AttemptId attempt) const {
    return incarnation_ != 0 && attempt.value >> kIncarnationShift == incarnation_ &&
           attempt.value > last_attempt_;
}

// --- statistics

base::Result<JobSlice*> JobBook::slice(Connection& connection, std::int64_t queue,
                                       std::int64_t now_ms) {
    const SliceKey key{slice_of(now_ms), queue};
    auto found = slices_.find(key);
    if (found == slices_.end()) {
        const auto stored = WL_TRY(select_slice(connection, key.first, queue));
        slices_before_.emplace(key, std::nullopt);
        found = slices_.emplace(key, stored.value_or(JobSlice{})).first;
    } else if (!slices_before_.contains(key)) {
        slices_before_.emplace(key, found->second);
    }
    return &found->second;
}

// --- the end of a transaction

base::Result<void> JobBook::flush_queues(Connection& connection) {
    for (const auto& [id, is_new] : touched_) {
        const JobQueue& queue = queues_.at(id);
        if (queue.order.clock != queue.clock_stored) {
            Statement update = WL_TRY(connection.kept("UPDATE queue SET clock=? WHERE id=?"));
            WL_TRY(update.bind(queue.order.clock).bind(id).run());
        }
        for (std::size_t state = 0; state < kJobStates; ++state) {
            if (queue.counts[state] == queue.counts_stored[state]) continue;
            Statement replace =
                WL_TRY(connection.kept("INSERT INTO tally(queue, state, count) VALUES(?, ?, ?) "
                                       "ON CONFLICT DO UPDATE SET count=excluded.count"));
            replace.bind(id).bind(static_cast<std::int64_t>(state)).bind(queue.counts[state]);
            WL_TRY(replace.run());
        }
    }
    for (const auto& [key, before] : tails_before_) {
        Statement replace = WL_TRY(
            connection.kept("INSERT INTO flow(queue, tenant, priority, tail) VALUES(?, ?, ?, ?) "
                            "ON CONFLICT DO UPDATE SET tail=excluded.tail"));
        replace.bind(key.first).bind(key.second.tenant).bind(std::int64_t{key.second.priority});
        WL_TRY(replace.bind(queues_.at(key.first).order.tails.at(key.second)).run());
    }
    return {};
}

base::Result<void> JobBook::flush_slices(Connection& connection) {
    for (const auto& [key, before] : slices_before_) {
        const JobSlice& slice = slices_.at(key);
        const std::string counts = counts_text(slice);
        const std::string queue_times = slice.queue.to_bytes();
        const std::string load_times = slice.load.to_bytes();
        const std::string run_times = slice.run.to_bytes();
        Statement replace = WL_TRY(connection.kept(
            "INSERT OR REPLACE INTO slice(number, queue, counts, queue_times, load_times, "
            "run_times) VALUES(?, ?, ?, ?, ?, ?)"));
        replace.bind(key.first).bind(key.second).bind(counts);
        replace.bind_blob(queue_times).bind_blob(load_times).bind_blob(run_times);
        WL_TRY(replace.run());
    }
    return {};
}

base::Result<void> JobBook::flush(Connection& connection) {
    WL_TRY(flush_queues(connection));
    return flush_slices(connection);
}

void JobBook::committed() {
    for (const auto& [id, is_new] : touched_) {
        JobQueue& queue = queues_.at(id);
        queue.clock_stored = queue.order.clock;
        queue.counts_stored = queue.counts;
    }
    // Only the latest are wanted again.
    constexpr std::size_t kSlicesMax = 256;
    if (slices_.size() > kSlicesMax) slices_.clear();
    touched_.clear();
    tails_before_.clear();
    keys_added_.clear();
    keys_removed_.clear();
    slices_before_.clear();
    incarnation_before_ = incarnation_;
    last_attempt_before_ = last_attempt_;
}

void JobBook::rolled_back() {
    for (const auto& [key, tail] : tails_before_) {
        auto& tails = queues_.at(key.first).order.tails;
        if (tail) {
            tails[key.second] = *tail;
        } else {
            tails.erase(key.second);
        }
    }
    for (const auto& [id, is_new] : touched_) {
        JobQueue& queue = queues_.at(id);
        queue.order.clock = queue.clock_stored;
        queue.counts = queue.counts_stored;
        if (!is_new) continue;
        by_model_.erase(queue.model);
        queues_.erase(id);
    }
    for (const auto& [hash, job] : keys_added_) erase_key(hash, job);
    for (const auto& [hash, job] : keys_removed_) keys_.emplace(hash, job);
    for (const auto& [key, slice] : slices_before_) {
        if (slice) {
            slices_[key] = *slice;
        } else {
            slices_.erase(key);
        }
    }
    recent_.forget_all();
    incarnation_ = incarnation_before_;
    last_attempt_ = last_attempt_before_;
    touched_.clear();
    tails_before_.clear();
    keys_added_.clear();
    keys_removed_.clear();
    slices_before_.clear();
}

}  // namespace windlass::store::sqlite
