// Accepts connections, keeps them, and looks after their time limits with one timer for all.
#include "http/server.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "http/connection.h"
#include "http/listener.h"
#include "io/timer.h"

namespace windlass::http {
namespace {

// How many connections beyond the limit are told so; past those the kernel lets clients wait.
constexpr std::size_t kSurplusMax = 64;
// A flood of connections must not hold up the requests of those that are there.
constexpr int kAcceptedPerTurn = 64;

}  // namespace

struct Server::State {
    State(io::Loop& loop, const ServerOptions& options, Backend& backend, Listener listener);

    void wait_for_connections();
    void on_connections_waiting();
    bool accept_one();
    void sweep();
    void start_sweeping();
    std::vector<std::shared_ptr<Connection>> snapshot() const;

    ConnectionContext context;
    std::uint16_t port;
    std::unique_ptr<io::Readiness> listening;
    bool is_accepting_paused = false;  // out of descriptors, or full: the sweep tries again
    bool is_sweeping = false;
    io::Timer sweep_timer;
    std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections;
};

Server::State::State(io::Loop& loop, const ServerOptions& options, Backend& backend,
                     Listener listener)
    : context{.loop = loop,
              .backend = backend,
              .options = options,
              .guard = OriginGuard{options.allowed_hosts}},
      port(listener.port),
      listening(std::make_unique<io::Readiness>(loop, std::move(listener.socket))),
      sweep_timer(loop, [this] { sweep(); }) {
    context.on_closed = [this](Connection& connection) { connections.erase(&connection); };
    wait_for_connections();
}

void Server::State::wait_for_connections() {
    is_accepting_paused = false;
    listening->when_readable([this] { on_connections_waiting(); });
}

void Server::State::on_connections_waiting() {
    for (int i = 0; i < kAcceptedPerTurn; ++i) {
        if (!accept_one()) break;
    }
    if (!is_accepting_paused) return wait_for_connections();
    start_sweeping();
}

// False: there is none, or none can be taken now.
bool Server::State::accept_one() {
    if (connections.size() >= context.options.connections_max + kSurplusMax) {
        is_accepting_paused = true;
        return false;
    }
    auto socket = accept_connection(listening->descriptor());
    if (!socket) {
        is_accepting_paused = true;
        return false;
    }
    if (!*socket) return false;
    const bool is_surplus = connections.size() >= context.options.connections_max;
    auto connection = std::make_shared<Connection>(context, std::move(*socket), is_surplus);
    connections.emplace(connection.get(), connection);
    connection->start();
    start_sweeping();
    return true;
}

void Server::State::start_sweeping() {
    if (std::exchange(is_sweeping, true)) return;
    sweep_timer.start(context.options.sweep_period);
}

void Server::State::sweep() {
    is_sweeping = false;
    const base::Instant now = context.loop.now();
    for (const auto& connection : snapshot()) connection->sweep(now);
    if (is_accepting_paused && listening) wait_for_connections();
    if (!connections.empty()) start_sweeping();
}

// Connections leave the map while they are visited.
std::vector<std::shared_ptr<Connection>> Server::State::snapshot() const {
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(connections.size());
    for (const auto& [key, connection] : connections) all.push_back(connection);
    return all;
}

base::Result<std::unique_ptr<Server>> Server::listen(io::Loop& loop, const ServerOptions& options,
                                                     Backend& backend) {
    Listener listener = WL_TRY(open_listener(options.address, options.port));
    return std::unique_ptr<Server>(
        new Server(std::make_unique<State>(loop, options, backend, std::move(listener))));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

std::uint16_t Server::port() const { return state_->port; }

void Server::stop_accepting() {
    state_->context.stopping = true;
    state_->listening.reset();
}

void Server::close_idle() {
    for (const auto& connection : state_->snapshot()) {
        if (connection->phase() == Connection::Phase::idle) connection->close();
    }
}

bool Server::idle() const {
    for (const auto& [key, connection] : state_->connections) {
        const Connection::Phase phase = connection->phase();
        if (phase != Connection::Phase::idle && phase != Connection::Phase::lingering) return false;
    }
    return true;
}

std::size_t Server::connection_count() const { return state_->connections.size(); }

}  // namespace windlass::http
