// Puts the daemon together, runs its loop, and takes it apart.
#include "daemon/daemon.h"

#include <fmt/core.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/version.h"
#include "daemon/access_log.h"
#include "daemon/emulation.h"
#include "daemon/estate.h"
#include "daemon/event_hub.h"
#include "daemon/keeper_log.h"
#include "daemon/log.h"
#include "daemon/need_keeper.h"
#include "daemon/room_watch.h"
#include "daemon/state_lock.h"
#include "daemon/switchboard.h"
#include "daemon/translate.h"
#include "http/server.h"
#include "io/descriptor_limit.h"
#include "io/loop.h"
#include "io/orphans.h"
#include "io/service_manager.h"
#include "io/signals.h"

namespace windlass::daemon {
namespace {

namespace fs = std::filesystem;
namespace log = base::log;
using base::Errc;
using base::Result;
using namespace std::chrono_literals;

// After the last grace the daemon is gone at most 5 s later, whatever hangs: so long it waits for
// its workers, then for driver hosts and the store, then for the keeper, which needs some 20 ms
// when nothing is left.
constexpr core::Duration kLastWait = 2500ms;
constexpr core::Duration kKeeperWait = 1500ms;
// Driver hosts are killed; which takes more than a moment only when one hangs in the kernel.
constexpr core::Duration kHostsWait = 500ms;
// The store has been told what was learned as it was learned; this is for the last of it.
constexpr core::Duration kStoreLastWait = 500ms;
// At the start nothing is placed before it is known what earlier daemons have learned, unless the
// disk does not answer.
constexpr core::Duration kStoreWait = 5s;

constexpr std::initializer_list<int> kSignals = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD};

std::string make_daemon_id() {
    std::uint64_t number = 0;
    const ssize_t got = getrandom(&number, sizeof number, 0);
    WL_ASSERT(got == sizeof number);  // cannot fail for so few bytes, getrandom(2)
    return fmt::format("{:016x}", number);
}

std::string executable_path() {
    std::error_code error;
    const fs::path path = fs::read_symlink("/proc/self/exe", error);
    return error ? std::string{"windlass"} : path.string();
}

int refuse(const base::Error& error) {
    log::error("daemon.failed",
               {{"type", base::traits(error.code).name}, {"message", error.message}});
    return base::traits(error.code).exit_code;
}

void log_problems(const std::vector<Problem>& problems) {
    for (const Problem& problem : problems) {
        if (problem.severity == Severity::error) {
            log::error("configuration.error", {{"message", to_text(problem)}});
        } else {
            log::info("configuration.notice", {{"message", to_text(problem)}});
        }
    }
}

std::optional<Configuration> read_configuration(const ServeOptions& options,
                                                const Environment& environment,
                                                const std::shared_ptr<LogTap>& tap) {
    LoadedConfiguration loaded =
        load_configuration(options.configuration_path, environment, options.overrides);
    const LogFormat asked = options.overrides.log == "json" ? LogFormat::json : LogFormat::text;
    install_log(loaded.configuration ? loaded.configuration->daemon.log : asked, tap);
    log_problems(loaded.problems);
    return std::move(loaded.configuration);
}

// What clients may take of our descriptors; the rest is for workers, files and the surplus
// connections that are told of the limit.
std::size_t connections_max(std::uint64_t descriptor_limit) {
    constexpr std::uint64_t kMost = 16'384;  // 1 to 2 KiB each while idle
    constexpr std::uint64_t kLeast = 64;
    constexpr std::uint64_t kOurs = 128;
    const std::uint64_t theirs = descriptor_limit - descriptor_limit / 8;
    return std::clamp(theirs - std::min(theirs, kOurs), kLeast, kMost);
}

// What a daemon begins with. What it only refers to outlives it; a reload reads with it again.
struct Beginnings {
    Configuration configuration;
    const ServeOptions& options;
    const Environment& environment;
    SwitchboardOptions switchboard;
    const Environment& host_environment;  // of driver hosts
    const Estate& estate;
    const std::shared_ptr<LogTap>& tap;
    io::ServiceOrder service;
};

// None where none is wanted.
Result<std::unique_ptr<Emulation>> make_emulation(const std::string& specification,
                                                  const std::string& state_dir,
                                                  const std::string& executable) {
    if (specification.empty()) return std::unique_ptr<Emulation>{};
    return Emulation::make(state_dir, specification, executable);
}

// One daemon from its first to its last turn.
class Daemon {
  public:
    explicit Daemon(Beginnings with)
        : configuration_(std::move(with.configuration)),
          descriptor_limit_(with.switchboard.descriptors.present),
          options_(with.options),
          environment_(with.environment),
          service_(loop_, std::move(with.service)),
          // The file of this very program, even if another one has taken its place since.
          keeper_(loop_, with.estate.record(), "/proc/self/exe", log_keeper),
          switchboard_(loop_, configuration_, std::move(with.switchboard), keeper_),
          needs_(loop_,
                 {.path = configuration_.daemon.state_dir + "/windlass.db",
                  .reserve = configuration_.daemon.disk_reserve,
                  .on_commit =
                      [this](base::Duration whole, base::Duration sync) {
                          switchboard_.journal().observe_commit(whole, sync);
                      }},
                 [this](const store::NeedKey& key, const std::vector<base::Bytes>& peaks) {
                     switchboard_.recall(key, peaks);
                 }),
          events_(loop_, needs_.store(), with.tap, retention_of(configuration_)),
          jobs_(loop_, needs_.jobs(), job_retention_of(configuration_), switchboard_.job_links()),
          devices_(loop_, configuration_.devices, with.host_environment,
                   {.workers = [this] { return switchboard_.workers(); },
                    .ledger = [this](const std::string& uuid) { return switchboard_.ledger(uuid); },
                    .on_event = [this](const device::Event& event) { switchboard_.note(event); }}),
          rooms_(devices_.devices(), configuration_.devices) {
        switchboard_.use_devices(devices_);
        switchboard_.use_needs(needs_);
        switchboard_.use_events(events_);
        switchboard_.use_jobs(jobs_);
    }

    Result<void> open() {
        WL_TRY(io::become_subreaper());
        signals_ =
            WL_TRY(io::Signals::make(loop_, kSignals, [this](int signal) { on_signal(signal); }));
        if (!configuration_.daemon.access_log.empty()) {
            access_log_ = WL_TRY(AccessLog::open(loop_, configuration_.daemon.access_log,
                                                 configuration_.daemon.log));
            switchboard_.journal().use_access_log(*access_log_);
        }
        // Before anything can happen to the engine.
        if (!options_.record.path.empty()) {
            WL_TRY(switchboard_.record(options_.record, configuration_));
        }
        keeper_.start();
        devices_.devices().start();
        start_until_ = loop_.now() + first_answer_limit(configuration_.devices);
        if (may_be_impossible(configuration_.models)) switchboard_.hold_ready_until(start_until_);
        jobs_.start();
        needs_.settle(kStoreWait);
        server_ = WL_TRY(http::Server::listen(loop_, server_options(), switchboard_));
        switchboard_.preload();
        return {};
    }

    std::uint16_t port() const { return server_->port(); }

    // Returns the exit code.
    int run() {
        tell_service(service_.say_ready());
        loop_.run([this](core::Instant now) { return end_turn(now); });
        return exit_code_;
    }

    // After the last turn: the keeper ends what is left, and then itself.
    // Returns whether nothing is left.
    bool leave() {
        devices_.devices().finish(kHostsWait);
        const worker::KeeperEnd end = keeper_.finish(kKeeperWait);
        if (end == worker::KeeperEnd::late) {
            log::warning("keeper.late", {{"message", "the keeper still ends what workers left"}});
        } else if (end == worker::KeeperEnd::missing) {
            log::warning("keeper.late", {{"message",
                                          "there was no keeper to end what workers left; the next "
                                          "start does it"}});
        }
        io::reap_orphans();
        return end == worker::KeeperEnd::done;
    }

    // After the last line of the log that is to be kept.
    void close_store() {
        const core::Instant deadline = loop_.now() + kStoreLastWait;
        jobs_.finish();
        events_.finish(kStoreLastWait);
        needs_.finish(std::max(core::Duration{}, deadline - loop_.now()));
    }

  private:
    static EventHub::Retention retention_of(const Configuration& configuration) {
        return {.age = configuration.daemon.events_keep,
                .count = configuration.daemon.events_limit};
    }

    static store::JobRetention job_retention_of(const Configuration& configuration) {
        return {.succeeded = configuration.daemon.jobs_keep_succeeded,
                .cancelled = configuration.daemon.jobs_keep_cancelled,
                .failed = configuration.daemon.jobs_keep_failed};
    }

    http::ServerOptions server_options() {
        const DaemonConfiguration& daemon = configuration_.daemon;
        return {
            .address = daemon.listen.host,
            .port = daemon.listen.port,
            .socket_path = daemon.socket,
            .allowed_hosts = daemon.allowed_hosts,
            .body_limit = daemon.body_limit,
            .bodies_limit = daemon.bodies_limit,
            .connections_max = connections_max(descriptor_limit_),
            .on_exchange =
                [this](const http::ExchangeRecord& record) { switchboard_.journal().note(record); },
            .on_accepting = report_accepting};
    }

    // Who started us to wait for a word will end us, and the log says why.
    static void tell_service(const Result<void>& told) {
        if (told) return;
        log::warning("daemon.not_notified", {{"message", told.error().message}});
    }

    static void report_accepting(const std::optional<base::Error>& failure) {
        if (!failure) return log::info("connections.resumed", {});
        log::warning("connections.paused", {{"message", failure->message}});
    }

    std::optional<core::Instant> end_turn(core::Instant now) {
        // Before anything is placed on a device that has just said how big it is.
        if (!is_judged_ && !last_moment_) judge_start(now);
        std::optional<core::Instant> next = switchboard_.end_turn(now);
        if (!last_moment_) return next;
        if (switchboard_.is_finished()) {
            events_.let_followers_go();
            server_->close_idle();
        }
        const bool is_over =
            switchboard_.is_finished() && jobs_.is_quiet() && events_.is_quiet() && server_->idle();
        if (is_over || now >= *last_moment_) loop_.stop();
        return next ? std::min(*next, *last_moment_) : *last_moment_;
    }

    // Pinned models without room for all of them are a mistake in the configuration that shows only
    // here. Devices that answer when the daemon may have been ready for long end it no more.
    void judge_start(core::Instant now) {
        const std::uint64_t revision = devices_.devices().revision();
        if (std::exchange(seen_revision_, revision) == revision) return;
        const std::optional<RoomVerdict> verdict = rooms_.judge(configuration_.models);
        if (!verdict) return;
        is_judged_ = true;
        switchboard_.hold_ready_until(std::nullopt);
        rooms_.tell(*verdict);
        if (verdict->impossible.empty()) return;
        const bool is_start = now < start_until_;
        log_impossible(*verdict, is_start ? Severity::error : Severity::notice);
        if (!is_start) return;
        exit_code_ = base::traits(Errc::invalid_input).exit_code;
        last_moment_ = now + kLastWait;
        server_->stop_accepting();
        switchboard_.shut_down_now();
    }

    void log_impossible(const RoomVerdict& verdict, Severity severity) const {
        for (const Crowd& crowd : verdict.impossible) {
            log_problems({{.file = options_.configuration_path,
                           .severity = severity,
                           .message = crowd.message}});
        }
    }

    void on_signal(int signal) {
        // What we started is reaped by pidfd; this is for what workers left behind.
        if (signal == SIGCHLD) return static_cast<void>(io::reap_orphans());
        if (signal == SIGHUP) {
            reopen_access_log();
            return reload();
        }
        if (last_moment_) {
            log::warning("daemon.stopping_now", {{"signal", sigdescr_np(signal)}});
            switchboard_.shut_down_now();
            last_moment_ = std::min(*last_moment_, loop_.now() + kLastWait);
            return;
        }
        const core::Duration grace = configuration_.daemon.shutdown_grace;
        log::info("daemon.stopping", {{"signal", sigdescr_np(signal)}, {"grace", grace}});
        last_moment_ = loop_.now() + grace + kLastWait;
        tell_service(service_.say_stopping());
        server_->stop_accepting();
        switchboard_.shut_down(grace);
    }

    // Whoever has renamed the file wants the next lines in a new one.
    void reopen_access_log() {
        const std::string& path = configuration_.daemon.access_log;
        if (!access_log_ || path == "-") return;  // stdout cannot be opened anew
        if (const auto reopened = access_log_->reopen(); !reopened) {
            return log::warning("access_log.failed", {{"message", reopened.error().message}});
        }
        log::info("access_log.reopened", {{"path", path}});
    }

    void refuse_reload(const char* why) const {
        log::error("configuration.not_reloaded",
                   {{"configuration", options_.configuration_path},
                    {"message", fmt::format("{}; the daemon goes on as before", why)}});
    }

    // A file with mistakes changes nothing.
    void reload() {
        if (last_moment_) return;
        std::error_code unknown;
        if (!fs::is_regular_file(options_.configuration_path, unknown)) {
            return refuse_reload("it is no file that can be read again");
        }
        LoadedConfiguration loaded =
            load_configuration(options_.configuration_path, environment_, options_.overrides);
        log_problems(loaded.problems);
        if (!loaded.configuration) return refuse_reload("the file has mistakes");
        // More likely a file that is just being written than somebody's wish.
        if (loaded.configuration->models.empty() && !configuration_.models.empty()) {
            return refuse_reload("the file names no model; to serve none, stop the daemon");
        }
        const std::optional<RoomVerdict> verdict = rooms_.judge(loaded.configuration->models);
        if (verdict && !verdict->impossible.empty()) {
            log_impossible(*verdict, Severity::error);
            return refuse_reload("there is no room for its pinned models");
        }
        if (verdict) {
            rooms_.tell(*verdict);
        } else {
            start_until_ = loop_.now();  // it did start: what shows later does not end it
        }
        const Reload changes = compare(configuration_, *loaded.configuration);
        configuration_.models = std::move(loaded.configuration->models);
        configuration_.daemon.shutdown_grace = loaded.configuration->daemon.shutdown_grace;
        configuration_.daemon.events_keep = loaded.configuration->daemon.events_keep;
        configuration_.daemon.events_limit = loaded.configuration->daemon.events_limit;
        configuration_.daemon.jobs_keep_succeeded =
            loaded.configuration->daemon.jobs_keep_succeeded;
        configuration_.daemon.jobs_keep_cancelled =
            loaded.configuration->daemon.jobs_keep_cancelled;
        configuration_.daemon.jobs_keep_failed = loaded.configuration->daemon.jobs_keep_failed;
        events_.keep(retention_of(configuration_));
        jobs_.keep(job_retention_of(configuration_));
        switchboard_.reload(changes);
        for (const std::string& key : changes.ignored) {
            log::warning("configuration.restart_needed", {{"key", key}});
        }
        log::info("configuration.reloaded", {{"configuration", options_.configuration_path},
                                             {"changed", changes.changed.size()},
                                             {"removed", changes.removed.size()},
                                             {"unchanged", changes.unchanged}});
    }

    Configuration configuration_;
    const std::uint64_t descriptor_limit_;
    const ServeOptions& options_;
    const Environment& environment_;
    io::Loop loop_;
    io::ServiceManager service_;
    worker::KeeperLink keeper_;
    Switchboard switchboard_;
    NeedKeeper needs_;
    EventHub events_;
    JobDesk jobs_;
    DeviceFloor devices_;
    RoomWatch rooms_;
    core::Instant start_until_{};      // then the configuration is not refused any more
    bool is_judged_ = false;           // whether there is room for it
    std::uint64_t seen_revision_ = 0;  // of the device floor, when that was last looked at
    int exit_code_ = 0;
    std::unique_ptr<AccessLog> access_log_;
    std::unique_ptr<io::Signals> signals_;
    std::unique_ptr<http::Server> server_;
    std::optional<core::Instant> last_moment_;  // while shutting down: when to leave at the latest
};

}  // namespace

int serve(const ServeOptions& options) {
    // A reader of stderr or of the access log that goes away is no reason to end.
    std::signal(SIGPIPE, SIG_IGN);
    // What comes while it starts waits until it can stop in order. As PID 1 it would be lost.
    io::hold_back(kSignals);
    const io::ServiceOrder service = io::take_service_order();
    const Environment environment = process_environment();
    const std::string executable = executable_path();
    const std::string daemon_id = make_daemon_id();
    const auto tap = std::make_shared<LogTap>();
    std::optional<Configuration> configuration = read_configuration(options, environment, tap);
    if (!configuration) return base::traits(Errc::invalid_input).exit_code;

    log::info("daemon.starting", {{"version", base::version()},
                                  {"commit", base::commit()},
                                  {"daemon_id", daemon_id},
                                  {"configuration", options.configuration_path},
                                  {"models", configuration->models.size()}});
    const std::string state_dir = configuration->daemon.state_dir;
    const auto lock = StateLock::take(state_dir);
    if (!lock) return refuse(lock.error());
    clear_leftovers(state_dir, daemon_id);
    const auto estate = Estate::make(configuration->daemon, daemon_id);
    if (!estate) return refuse(estate.error());
    const auto emulation = make_emulation(options.emulate, state_dir, executable);
    if (!emulation) return refuse(emulation.error());
    Environment host_environment = environment;
    std::optional<EmulatedDriver> emulated;
    if (*emulation) {
        emulated = (*emulation)->driver();
        emulated->add_to(host_environment, {});
    }

    ListenAddress address = configuration->daemon.listen;
    const std::string socket = configuration->daemon.socket;
    Daemon daemon{{.configuration = std::move(*configuration),
                   .options = options,
                   .environment = environment,
                   .switchboard = {.daemon_id = daemon_id,
                                   .configuration_path = options.configuration_path,
                                   .runtime_dir = (*estate)->folder(),
                                   .cgroup = (*estate)->cgroup(),
                                   .python_package = find_python_package(executable),
                                   .environment = environment,
                                   .descriptors = io::raise_descriptor_limit(),
                                   .emulated = emulated},
                   .host_environment = host_environment,
                   .estate = **estate,
                   .tap = tap,
                   .service = service}};
    if (const auto opened = daemon.open(); !opened) {
        if (!daemon.leave()) (*estate)->leave();
        const int exit_code = refuse(opened.error());
        daemon.close_store();
        return exit_code;
    }
    address.port = daemon.port();
    log::info("daemon.started", {{"version", base::version()},
                                 {"commit", base::commit()},
                                 {"daemon_id", daemon_id},
                                 {"configuration", options.configuration_path},
                                 {"listen", to_text(address)},
                                 {"socket", socket.empty() ? "none" : socket},
                                 {"pid", getpid()}});
    const int exit_code = daemon.run();
    if (!daemon.leave()) (*estate)->leave();
    log::info("daemon.stopped", {{"daemon_id", daemon_id}});
    daemon.close_store();
    return exit_code;
}

}  // namespace windlass::daemon
