// What the user asked for, as plain structs. Only parses: nothing is opened, sent or printed here.
// lint: long file, a table: one struct for each command
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "cli/doctor_arguments.h"
#include "cli/drill_arguments.h"
#include "cli/events_arguments.h"
#include "cli/jobs_arguments.h"

namespace windlass::cli {

struct ServeArguments {
    std::string configuration = "windlass.toml";
    std::optional<std::string> listen;
    std::optional<std::string> socket;
    std::optional<std::string> access_log;
    std::optional<std::string> log;
    std::optional<std::string> state_dir;
    std::string emulate;  // GPUs to emulate; empty: none
    std::string record;   // file of the recording; empty: none
    base::Bytes record_limit;
};

struct CallArguments {
    std::string url;
    std::string model;
    std::optional<std::string> data;
    std::optional<std::string> file;  // "-": standard input
    std::optional<std::string> content_type;
    std::optional<base::Duration> timeout;
    std::optional<base::Duration> wait;
    std::optional<unsigned> priority;
    std::optional<std::string> variant;
    std::optional<std::string> output;
    bool json = false;
};

enum class ModelsAction : std::uint8_t {
    list,
    show,
    load,
    offload,
    unload,
    restart,
    pause,
    resume
};

struct ModelsArguments {
    std::string url;
    ModelsAction action = ModelsAction::list;
    std::string model;  // empty when listing
    std::optional<base::Duration> timeout;
    bool no_wait = false;  // load: only a hint
    bool force = false;    // unload: no grace
    bool json = false;
};

struct DevicesArguments {
    std::string url;
    bool json = false;
};

struct TopArguments {
    std::string url;
    base::Duration interval{};           // > 0; between two looks
    std::optional<std::uint64_t> count;  // looks; empty: until it is ended
    bool no_colour = false;
    bool json = false;
};

struct WorkersArguments {
    std::string url;
    std::optional<std::uint64_t> kill;  // the id of one to be ended
    bool json = false;
};

struct IncidentsArguments {
    std::string url;
    std::optional<std::uint64_t> show;  // the id of one to be shown with all that is known
    bool json = false;
};

struct ExplainArguments {
    std::string url;
    std::string subject;  // a request or a model; empty: all that wait or are not well
    bool json = false;
};

struct StatusArguments {
    std::string url;
    std::optional<base::Duration> wait;
    bool json = false;
};

struct ConfigCheckArguments {
    std::string file = "windlass.toml";
    bool json = false;
};

enum class KeysFormat : std::uint8_t { text, json, markdown };

struct ConfigKeysArguments {
    KeysFormat format = KeysFormat::text;
};

enum class DuplicatesMode : std::uint8_t { dev, prod, monitor };

// `windlass drill duplicates`.
struct DuplicatesArguments {
    DuplicatesMode mode = DuplicatesMode::prod;
    std::size_t clients = 17;
    base::Bytes model_size;
    unsigned port = 0;  // of the drill's daemon; 0: any
    bool is_real = false;
    bool json = false;
};

// `windlass drill idle`.
struct IdleArguments {
    base::Duration offload{};  // idle time until the weights leave the device
    base::Duration unload{};   // and until the process ends; longer
    base::Duration slack{};    // how late each may be
    base::Bytes model_size;
    unsigned port = 0;
    bool is_real = false;
    bool json = false;
};

struct ReplayArguments {
    std::string file;
    bool json = false;
};

struct ErrorsArguments {
    bool json = false;
};

struct VersionArguments {
    bool json = false;
};

// Nothing to do but to print: help, to stdout with exit code 0, or what is wrong with the command
// line, to stderr with exit code 2.
struct Printout {
    int exit_code = 0;
    std::string text;
};

using Command =
    std::variant<Printout, ServeArguments, CallArguments, ModelsArguments, DevicesArguments,
                 TopArguments, WorkersArguments, IncidentsArguments, ExplainArguments,
                 EventsArguments, SubmitArguments, JobsArguments, QueueArguments, ReportArguments,
                 StatusArguments, DoctorArguments, ConfigCheckArguments, ConfigKeysArguments,
                 DuplicatesArguments, IdleArguments, JobDrillArguments, AllDrillsArguments,
                 ReplayArguments, ErrorsArguments, VersionArguments>;

// `words` are the arguments without the program's name. WINDLASS_URL is read from the environment.
Command parse_command_line(const std::vector<std::string>& words);

}  // namespace windlass::cli
