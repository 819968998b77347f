// Accepts connections, keeps them, and looks after their time limits with one timer for all.
#include "http/server.h"

#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/connection.h"
#include "http/listener.h"
#include "http/unix_listener.h"
#include "io/timer.h"

namespace windlass::http {
namespace {

// How many connections beyond the limit are told so; past those the kernel lets clients wait.
constexpr std::size_t kSurplusMax = 64;
// A flood of connections must not hold up the requests of those that are there.
constexpr int kAcceptedPerTurn = 64;

}  // namespace

struct Server::State {
    State(io::Loop& loop, const ServerOptions& options, Backend& backend);

    // Where clients come in.
    struct Door {
        Door(io::Loop& loop, Transport over, io::FileDescriptor socket)
            : transport(over), listening(loop, std::move(socket)) {}
        Transport transport;
        io::Readiness listening;
        bool is_paused = false;  // out of descriptors, or full: the sweep tries again
    };

    void open_door(Transport transport, io::FileDescriptor socket);
    void wait_for_connections(Door& door);
    void on_connections_waiting(Door& door);
    bool accept_one(Door& door);
    void tell_accepting(std::optional<base::Error> failure);
    void sweep();
    void start_sweeping();
    std::vector<std::shared_ptr<Connection>> snapshot() const;

    ConnectionContext context;
    std::uint16_t port = 0;
    std::list<Door> doors;       // a list: callbacks refer to them
    UnixSocketFile socket_file;  // goes before its door
    bool is_failing_to_accept = false;
    bool is_sweeping = false;
    io::Timer sweep_timer;
    std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections;
};

Server::State::State(io::Loop& loop, const ServerOptions& options, Backend& backend)
    : context{.loop = loop,
              .backend = backend,
              .options = options,
              .guard = OriginGuard{options.allowed_hosts}},
      sweep_timer(loop, [this] { sweep(); }) {
    context.on_closed = [this](Connection& connection) {
        connections.erase(&connection);
        context.counters.open = connections.size();
    };
}

void Server::State::open_door(Transport transport, io::FileDescriptor socket) {
    doors.emplace_back(context.loop, transport, std::move(socket));
    wait_for_connections(doors.back());
}

void Server::State::wait_for_connections(Door& door) {
    door.listening.when_readable([this, &door] { on_connections_waiting(door); });
}

void Server::State::on_connections_waiting(Door& door) {
    for (int i = 0; i < kAcceptedPerTurn; ++i) {
        if (!accept_one(door)) break;
    }
    if (!door.is_paused) return wait_for_connections(door);
    start_sweeping();
}

// False: there is none, or none can be taken now.
bool Server::State::accept_one(Door& door) {
    if (connections.size() >= context.options.connections_max + kSurplusMax) {
        door.is_paused = true;
        return false;
    }
    auto arrival = accept_connection(door.listening.descriptor(), door.transport);
    if (!arrival) {
        door.is_paused = true;
        tell_accepting(std::move(arrival.error()));
        return false;
    }
    tell_accepting(std::nullopt);
    if (!arrival->socket) return false;
    Connection::Peer peer{.transport = door.transport,
                          .client = std::move(arrival->client),
                          .is_surplus = connections.size() >= context.options.connections_max};
    auto connection =
        std::make_shared<Connection>(context, std::move(arrival->socket), std::move(peer));
    connections.emplace(connection.get(), connection);
    context.counters.open = connections.size();
    ++context.counters.accepted;
    connection->start();
    start_sweeping();
    return true;
}

void Server::State::tell_accepting(std::optional<base::Error> failure) {
    if (failure.has_value() == is_failing_to_accept) return;
    is_failing_to_accept = failure.has_value();
    if (context.options.on_accepting) context.options.on_accepting(std::move(failure));
}

void Server::State::start_sweeping() {
    if (std::exchange(is_sweeping, true)) return;
    sweep_timer.start(context.options.sweep_period);
}

void Server::State::sweep() {
    is_sweeping = false;
    const base::Instant now = context.loop.now();
    for (const auto& connection : snapshot()) connection->sweep(now);
    for (Door& door : doors) {
        if (std::exchange(door.is_paused, false)) wait_for_connections(door);
    }
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
    auto state = std::make_unique<State>(loop, options, backend);
    Listener listener = WL_TRY(open_listener(options.address, options.port));
    state->port = listener.port;
    state->open_door(Transport::tcp, std::move(listener.socket));
    if (!options.socket_path.empty()) {
        UnixListener unix_listener = WL_TRY(open_unix_listener(options.socket_path));
        state->socket_file = std::move(unix_listener.file);
        state->open_door(Transport::unix_socket, std::move(unix_listener.socket));
    }
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

std::uint16_t Server::port() const { return state_->port; }

void Server::stop_accepting() {
    state_->context.stopping = true;
    state_->socket_file.remove();  // first, so that a successor finds no dead file
    state_->doors.clear();
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
