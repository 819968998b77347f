// Step by step, and the one place where a failed assertion does not end the program.
#include "recording/replay.h"

#include <fmt/core.h>

#include <exception>
#include <utility>

#include "base/assert.h"

namespace windlass::recording {
namespace {

class AssertionFailed final : public std::exception {
  public:
    explicit AssertionFailed(std::string condition) : condition_(std::move(condition)) {}
    const char* what() const noexcept override { return condition_.c_str(); }

  private:
    std::string condition_;
};

// While it lives, a failed assertion throws: it unwinds an engine that nobody uses any more.
class AssertionsThrow {
  public:
    AssertionsThrow() : former_(base::set_assertion_hook(&fail)) {}
    ~AssertionsThrow() { base::set_assertion_hook(former_); }
    AssertionsThrow(const AssertionsThrow&) = delete;
    AssertionsThrow& operator=(const AssertionsThrow&) = delete;

  private:
    static void fail(const char* condition, const char* file, int line) {
        throw AssertionFailed{fmt::format("{} ({}:{})", condition, file, line)};
    }
    const base::AssertionHook former_;
};

bool are_equal(const core::Commands& then, const core::Commands& now) {
    if (then.size() != now.size()) return false;
    std::string recorded;
    std::string replayed;
    for (const core::Command& command : then) append(recorded, command);
    for (const core::Command& command : now) append(replayed, command);
    return recorded == replayed;
}

std::vector<std::string> tell(const core::Commands& commands, const Names& names) {
    std::vector<std::string> told;
    told.reserve(commands.size());
    for (const core::Command& command : commands) told.push_back(to_text(command, names));
    return told;
}

// The condition that broke; empty: none did.
std::optional<std::string> handle(core::Engine& engine, const Step& step, core::Commands& out) {
    const AssertionsThrow guard;
    // The containers of the standard library throw what is a broken invariant, too.
    try {
        engine.handle(step.event, step.now, out);
        engine.check_invariants();
    } catch (const std::exception& broken) {
        return broken.what();
    }
    return std::nullopt;
}

}  // namespace

base::Result<Replay> Replay::make(const Head& head) {
    const AssertionsThrow guard;
    try {
        return Replay{head};
    } catch (const std::exception& broken) {
        return base::fail(base::Errc::data_corrupt,
                          fmt::format("no daemon has such models and devices: {}", broken.what()));
    }
}

Replay::Replay(const Head& head)
    : engine_(head.origin.models, head.origin.devices), names_(head.origin) {}

std::optional<Finding> Replay::take(Step step) {
    if (!begun_) begun_ = step.now;
    last_ = step.now;
    names_.note(step.event);
    Numbered numbered{++event_count_, std::move(step)};
    core::Commands now;
    if (auto broken = handle(engine_, numbered.step, now)) {
        return tell_finding(FindingKind::broken_invariant, std::move(*broken), numbered, now);
    }
    if (const auto& then = numbered.step.commands) {
        command_count_ += then->size();
        if (!are_equal(*then, now)) {
            return tell_finding(FindingKind::difference, {}, numbered, now);
        }
    }
    if (before_.size() == kStepsBefore) before_.pop_front();
    before_.push_back(std::move(numbered));
    return std::nullopt;
}

Summary Replay::summary() const {
    return {.event_count = event_count_,
            .command_count = command_count_,
            .span = begun_ ? last_ - *begun_ : core::Duration{0},
            .models = names_.models(),
            .devices = names_.devices()};
}

StepText Replay::tell(const Numbered& numbered) const {
    const Step& step = numbered.step;
    return {.number = numbered.number,
            .since = step.now - begun_.value_or(step.now),
            .event = to_text(step.event, names_),
            .commands = recording::tell(step.commands.value_or(core::Commands{}), names_)};
}

Finding Replay::tell_finding(FindingKind kind, std::string condition, const Numbered& numbered,
                             const core::Commands& now) const {
    Finding finding{.kind = kind,
                    .condition = std::move(condition),
                    .before = {},
                    .step = tell(numbered),
                    .is_recorded = numbered.step.commands.has_value(),
                    .now = recording::tell(now, names_)};
    for (const Numbered& earlier : before_) finding.before.push_back(tell(earlier));
    return finding;
}

base::Result<std::optional<Finding>> replay_all(Reader& reader, Replay& replay) {
    while (true) {
        std::optional<Step> step = WL_TRY(reader.next());
        if (!step) return std::nullopt;
        if (auto finding = replay.take(std::move(*step))) return finding;
    }
}

}  // namespace windlass::recording
