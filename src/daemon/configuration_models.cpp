// The rules of [models.NAME].
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "daemon/configuration_rules.h"

namespace windlass::daemon {
namespace {

constexpr std::size_t kNameMax = 64;

bool is_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, allowed);
}

// "a.b.c" of Python identifiers. Letters beyond ASCII are Python's to judge.
bool is_dotted_name(std::string_view text) {
    bool at_start = true;
    for (const char c : text) {
        if (c == '.') {
            if (at_start) return false;
            at_start = true;
            continue;
        }
        const bool digit = c >= '0' && c <= '9';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                            static_cast<unsigned char>(c) >= 0x80;
        if (!letter && (!digit || at_start)) return false;
        at_start = false;
    }
    return !at_start;
}

// Empty when it is "module:Class"; else what is wrong with it.
std::string python_mistake(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view module = text.substr(0, colon);
    const std::string_view name = colon == text.npos ? std::string_view{} : text.substr(colon + 1);
    if (module.ends_with(".py") && is_dotted_name(module) && is_dotted_name(name)) {
        return fmt::format("is \"{}\": name the module, not its file, as in \"{}:{}\"", text,
                           module.substr(0, module.size() - 3), name);
    }
    if (is_dotted_name(module) && is_dotted_name(name)) return {};
    const std::size_t dot = text.rfind('.');
    if (colon == text.npos && is_dotted_name(text) && dot != text.npos) {
        return fmt::format("is \"{}\": a colon stands before the class, as in \"{}:{}\"", text,
                           text.substr(0, dot), text.substr(dot + 1));
    }
    return fmt::format("must be a module and a class such as \"module:Class\", not \"{}\"",
                       printable(text));
}

// Programs with a slash start from the file's folder; others are looked up in PATH.
std::string program_path(const std::string& program, const std::filesystem::path& folder) {
    if (program.find('/') == std::string::npos) return program;
    return (folder / program).lexically_normal();
}

void read_code(SectionReader& reader, const std::filesystem::path& folder,
               ModelConfiguration& model) {
    if (reader.read("python", model.python)) {
        const std::string mistake = python_mistake(model.python);
        if (!mistake.empty()) reader.error("python", mistake);
    }
    if (reader.read("command", model.command)) {
        if (model.command.empty() || model.command.front().empty()) {
            reader.error("command", "names no program; write a list such as [\"prog\", \"arg\"]");
        } else {
            model.command.front() = program_path(model.command.front(), folder);
        }
    }
    if (reader.read("interpreter", model.interpreter))
        model.interpreter = program_path(model.interpreter, folder);
    if (reader.find("interpreter") != nullptr && reader.find("command") != nullptr)
        reader.notice("interpreter", "has no effect beside `command`");
}

// "http:/health" as the path that it names.
void read_http_path(SectionReader& reader, std::string_view key, std::string& path) {
    constexpr std::string_view kScheme = "http:";
    std::string text;
    if (!reader.read(key, text)) return;
    const bool is_header_safe = std::ranges::all_of(text, [](char c) { return c > 32 && c < 127; });
    if (is_header_safe && text.starts_with(kScheme) &&
        text.substr(kScheme.size()).starts_with('/') && !text.starts_with("http://")) {
        path = text.substr(kScheme.size());
        return;
    }
    reader.error(key, fmt::format("is \"{}\"; write the path that the program answers, as in"
                                  " \"http:/health\"",
                                  printable(text)));
}

bool names(const std::vector<std::string>& command, std::string_view part) {
    return std::ranges::any_of(command, [&](const std::string& w) { return w.contains(part); });
}

// What makes the command a program that serves HTTP.
void read_http_program(SectionReader& reader, ModelConfiguration& model) {
    read_http_path(reader, "ready", model.ready);
    read_http_path(reader, "offload", model.offload);
    read_http_path(reader, "restore", model.restore);
    for (const char* key : {"ready", "offload", "restore"}) {
        if (reader.find(key) == nullptr) continue;
        if (reader.find("command") == nullptr) {
            reader.error(key, "is for a `command` that serves HTTP; a class has hooks instead");
        } else if (reader.find("ready") == nullptr) {
            reader.error(key, "needs `ready` beside it, such as \"http:/health\"");
        }
    }
    if (reader.find("ready") == nullptr) return;
    if ((reader.find("offload") == nullptr) != (reader.find("restore") == nullptr)) {
        const char* const given = reader.find("offload") == nullptr ? "restore" : "offload";
        reader.error(given, "goes with its counterpart: give both `offload` and `restore`");
    }
    if (names(model.command, "{port}") && names(model.command, "{socket}")) {
        reader.error("command", "has both {port} and {socket}; the program listens on one of them");
    }
    if (model.idempotent) {
        reader.error(
            "idempotent",
            "does not go with `ready`: what was streamed to a program cannot be sent again");
    }
}

void read_path(SectionReader& reader, const std::filesystem::path& folder, std::string& path) {
    std::string text = ".";
    reader.read("path", text);
    std::filesystem::path absolute = (folder / text).lexically_normal();
    if (!absolute.has_filename() && absolute.has_relative_path()) absolute = absolute.parent_path();
    path = absolute;
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(absolute, error);
    if (std::filesystem::is_directory(status)) return;
    reader.error("path",
                 fmt::format("is \"{}\", but {} {}; it starts from the folder of this file",
                             printable(text), printable(path),
                             std::filesystem::exists(status) ? "is no folder" : "does not exist"));
}

void read_device_choice(SectionReader& reader, ModelConfiguration& model) {
    const TomlEntry* entry = reader.find("devices");
    if (entry == nullptr) return;
    const base::Result<void> checked =
        check_value(*find_key(Section::model, "devices"), entry->value);
    if (!checked) {
        reader.error("devices", checked.error().message);
    } else if (entry->value.kind == TomlValue::Kind::list) {
        model.devices = DeviceChoice::listed;
        for (const TomlValue& uuid : entry->value.items) model.device_uuids.push_back(uuid.text);
        if (model.device_uuids.empty()) {
            reader.error("devices", "is an empty list; name a UUID, or write \"any\"");
        }
    } else {
        model.devices = entry->value.text == "cpu" ? DeviceChoice::cpu : DeviceChoice::any;
    }
}

// Checked already, or reported as a mistake.
void read_need(SectionReader& reader, NeedConfiguration& need) {
    std::string text;
    if (!reader.read_checked("need", text)) return;
    if (text == "all") {
        need = {.kind = NeedKind::all};
    } else if (text.ends_with('%')) {
        need = {.kind = NeedKind::share};
        std::from_chars(text.data(), text.data() + text.size(), need.percent);
    } else {
        need = {.kind = NeedKind::bytes, .bytes = base::parse_bytes(text).value_or(Bytes{})};
    }
}

void read_memory(SectionReader& reader, ModelConfiguration& model) {
    read_need(reader, model.need);
    std::string copies;
    if (!reader.read_checked("copies", copies)) return;
    model.copies.reset();
    if (copies == "auto") return;
    std::uint32_t count = 1;
    std::from_chars(copies.data(), copies.data() + copies.size(), count);
    model.copies = count;
}

void read_limits(SectionReader& reader, ModelConfiguration& model) {
    reader.read("concurrency", model.concurrency);
    reader.read("queue_limit", model.queue_limit);
    reader.read("standby", model.standby);
    reader.read("pinned", model.pinned);
    reader.read("preload", model.preload);
    reader.read("idempotent", model.idempotent);
    reader.read("start_timeout", model.start_timeout);
    reader.read("load_timeout", model.load_timeout);
    reader.read("run_timeout", model.run_timeout);
    reader.read("stall_timeout", model.stall_timeout);
    reader.read("offload_timeout", model.offload_timeout);
    reader.read("restore_timeout", model.restore_timeout);
    reader.read("call_timeout", model.call_timeout);
    reader.read("wait_timeout", model.wait_timeout);
    reader.read("max_wait", model.max_wait);
    reader.read("cancel_grace", model.cancel_grace);
    reader.read("term_grace", model.term_grace);
}

void read_recycling(SectionReader& reader, ModelConfiguration& model) {
    reader.read("recycle_after", model.recycle_after);
    base::Bytes growth;
    if (reader.read("max_growth", growth)) model.max_growth = growth;
    base::Bytes host_memory;
    if (reader.read("host_memory", host_memory)) model.host_memory = host_memory;
}

// Of the two keys that are given, the second is at fault.
void read_pauses(SectionReader& reader, const char* first_key, Duration& first,
                 const char* longest_key, Duration& longest) {
    const bool has_first = reader.read(first_key, first);
    const bool has_longest = reader.read(longest_key, longest);
    if (first <= longest) return;
    reader.error(has_longest ? longest_key : first_key,
                 fmt::format("does not fit: `{}` is {}{} and `{}` {}{}", first_key,
                             base::to_text(first), has_first ? "" : " (the default)", longest_key,
                             base::to_text(longest), has_longest ? "" : " (the default)"));
}

void read_backoff(SectionReader& reader, ModelConfiguration& model) {
    read_pauses(reader, "backoff", model.backoff, "backoff_max", model.backoff_max);
}

void read_jobs(SectionReader& reader, ModelConfiguration& model) {
    reader.read("job_run_timeout", model.job_run_timeout);
    reader.read("job_failures", model.job_failures);
    reader.read("job_crashes", model.job_crashes);
    read_pauses(reader, "job_backoff", model.job_backoff, "job_backoff_max", model.job_backoff_max);
}

void read_breaker(SectionReader& reader, ModelConfiguration& model) {
    reader.read("breaker_deaths", model.breaker_deaths);
    reader.read("breaker_window", model.breaker_window);
    reader.read("breaker_cooldown", model.breaker_cooldown);
}

void read_idle(SectionReader& reader, const IdleDefaults& defaults, ModelConfiguration& model) {
    model.offload_after = defaults.offload_after;
    model.unload_after = defaults.unload_after;
    const bool offload = reader.read("offload_after", model.offload_after);
    const bool unload = reader.read("unload_after", model.unload_after);
    const bool crossed = offload && model.offload_after && model.unload_after &&
                         *model.unload_after < *model.offload_after;
    if (!crossed) return;
    if (unload) {
        reader.error(
            "unload_after",
            fmt::format("is {}, below `offload_after` ({}): raise it, or write \"never\"",
                        base::to_text(*model.unload_after), base::to_text(*model.offload_after)));
    } else {
        reader.error(
            "offload_after",
            fmt::format("is {}, above the default of `unload_after` ({}): give "
                        "`unload_after` too, or \"never\"",
                        base::to_text(*model.offload_after), base::to_text(*model.unload_after)));
    }
}

// The model with what its variant says otherwise. What is loaded, or started, ahead of its use is
// the model alone: memory for its variants as well is not what was asked for.
ModelConfiguration make_variant(const ModelConfiguration& model, const std::string& name,
                                SectionReader reader) {
    ModelConfiguration variant = model;
    variant.name = variant_name(model.name, name);
    variant.variant = name;
    variant.preload = false;
    variant.standby = 0;
    read_need(reader, variant.need);
    std::map<std::string, std::string> env;
    reader.read("env", env);
    for (auto& [key, value] : env) variant.env.insert_or_assign(key, std::move(value));
    reader.finish();
    return variant;
}

void read_variants(SectionReader& reader, const std::string& shown_name,
                   std::vector<ModelConfiguration>& models, Problems& problems) {
    const TomlEntry* variants = reader.find("variants");
    if (variants == nullptr) return;
    const base::Result<void> checked =
        check_value(*find_key(Section::model, "variants"), variants->value);
    if (!checked) return reader.error("variants", checked.error().message);
    for (const TomlEntry& variant : variants->value.entries) {
        const std::string title =
            fmt::format("[models.{}.variants.{}]", shown_name, printable(variant.key));
        if (!is_name(variant.key)) {
            problems.error(variant.line, fmt::format("the name in {} must be 1 to 64 of letters, "
                                                     "digits, `.`, `_` and `-`",
                                                     title));
        }
        if (variant.value.kind != TomlValue::Kind::table) {
            problems.error(variant.line, fmt::format("{} must be a table with `need` and `env`, "
                                                     "not {}",
                                                     title, shown(variant.value)));
            continue;
        }
        models.push_back(
            make_variant(models.front(), variant.key,
                         SectionReader{Section::variant, title, variant.value, problems}));
    }
}

// Exactly one of `python` and `command`.
void check_code(const SectionReader& reader, const TomlEntry& model, const std::string& title,
                Problems& problems) {
    const bool python = reader.find("python") != nullptr;
    const bool command = reader.find("command") != nullptr;
    if (python && command) {
        problems.error(model.value.line,
                       fmt::format("{} has both `python` and `command`; keep one", title));
    }
    if (python || command) return;
    // [models.my.model] reads as a model `my`; what it lacks is beside the point.
    const bool nested = std::ranges::any_of(model.value.entries, [](const TomlEntry& entry) {
        return entry.value.kind == TomlValue::Kind::table &&
               find_key(Section::model, entry.key) == nullptr;
    });
    if (nested) return;
    problems.error(model.value.line,
                   fmt::format("{} needs `python = \"module:Class\"` or `command = [\"prog\", "
                               "\"arg\"]`",
                               title));
}

}  // namespace

std::vector<ModelConfiguration> read_model(const TomlEntry& entry,
                                           const std::filesystem::path& folder,
                                           const IdleDefaults& defaults, Problems& problems) {
    std::vector<ModelConfiguration> models(1);
    ModelConfiguration& model = models.front();
    model.name = entry.key;
    const std::string shown_name =
        is_name(entry.key) ? entry.key : "\"" + printable(entry.key) + "\"";
    if (entry.value.kind != TomlValue::Kind::table) {
        problems.error(entry.line,
                       fmt::format("`{}` in [models] must be a table such as "
                                   "[models.{}], not {}",
                                   printable(entry.key), shown_name, shown(entry.value)));
        return models;
    }
    const std::string title = fmt::format("[models.{}]", shown_name);
    // "." and ".." would be eaten by whatever normalises the path of a URL.
    if (!is_name(entry.key) || entry.key == "." || entry.key == "..") {
        problems.error(entry.value.line, fmt::format("the name in {} must be 1 to 64 of letters, "
                                                     "digits, `.`, `_` and `-`",
                                                     title));
    }
    SectionReader reader{Section::model, title, entry.value, problems};
    check_code(reader, entry, title, problems);
    read_code(reader, folder, model);
    read_path(reader, folder, model.path);
    reader.read("env", model.env);
    read_device_choice(reader, model);
    read_memory(reader, model);
    read_limits(reader, model);
    read_http_program(reader, model);
    read_recycling(reader, model);
    read_backoff(reader, model);
    read_jobs(reader, model);
    read_breaker(reader, model);
    read_idle(reader, defaults, model);
    read_variants(reader, shown_name, models, problems);
    reader.finish();
    return models;
}

}  // namespace windlass::daemon
