// docs/configuration.md, from the table of keys.
#include <fmt/core.h>

#include <array>

#include "daemon/configuration_keys.h"

namespace windlass::daemon {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Written by `windlass config keys --markdown`; a test compares the two. -->

`windlass serve FILE` reads one TOML file. `windlass config check FILE` only says what is wrong with
it: every mistake at once, each with its line and the nearest known key. (A syntax error stands
alone, because reading stops there.) Keys that arrive with a later version are accepted and checked,
and a notice says that they have no effect yet.

```toml
[daemon]
listen = "127.0.0.1:7411"

[models.digits]
python = "digits_model:Digits"   # the class Digits of digits_model.py beside this file
env = { OMP_NUM_THREADS = "4" }
unload_after = "10m"

[models.echo]
command = ["./echo-worker", "--verbose"]
devices = "cpu"
concurrency = 4
```

**Durations** are text with a unit: `"1500ms"`, `"30s"`, `"10m"`, `"24h"`, `"7d"`. Where the table
says so, `"never"` switches off. `"0s"` is at once; a bare `0` is a mistake, since it could mean
either. **Amounts of memory** are text with a unit too: `"512MiB"`, `"2.5GiB"`, or decimal `"2GB"`.
Relative paths start from the folder of the file.
)";

constexpr std::string_view kEnding = R"(
## Names of models

1 to 64 of letters, digits, `.`, `_` and `-`. In TOML a name with a dot needs quotes:
`[models."llama-3.2"]`.

## Environment

| variable | meaning |
|---|---|
| `IDLE_UNLOAD_TIMEOUT_SEC` | replaces the default of `offload_after`: whole seconds, 0 is never |
| `IDLE_CLEAR_TIMEOUT_SEC` | replaces the default of `unload_after`, likewise |
| `XDG_STATE_HOME`, `HOME` | where `state_dir` is when the file does not say it |

`--listen`, `--socket`, `--log`, `--access-log` and `--state-dir` of `windlass serve` replace the
keys of the same name and are checked alike.

## Reload

At `SIGHUP` the daemon reads the file again, with the same options and environment. A file with
mistakes changes nothing. Models that are as before are not touched. Of those that have changed,

- `python`, `command`, `path`, `interpreter`, `env`, `devices` and `concurrency` need a new process:
  what runs finishes in the old one, and the next request starts the new one. Its back-off ends.
- `start_timeout`, `load_timeout`, `cancel_grace` and `term_grace` count from the next start of the
  process, all other keys at once, for runs that go on too.

A removed model refuses what waits (`not_found`), and its runs may finish; its jobs wait until it is
configured again. Of `[daemon]` only `shutdown_grace`, `events_keep`, `events_limit` and the three
`jobs_keep_...` are taken over; what else has changed there is logged as
`configuration.restart_needed`. A model whose *files* have changed is taken anew by
`windlass models restart NAME`.
)";

// A vertical bar would end the cell.
std::string cell(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '|') result += '\\';
        result += c;
    }
    return result;
}

std::string_view kind_text(const Key& key) {
    switch (key.kind) {
        case KeyKind::duration: return "duration";
        case KeyKind::duration_or_never: return "duration or `\"never\"`";
        case KeyKind::bytes: return "amount of memory";
        case KeyKind::count: return "whole number";
        case KeyKind::boolean: return "true or false";
        case KeyKind::text: return "text";
        case KeyKind::choice: return "one of two";
        case KeyKind::listen: return "address and port";
        case KeyKind::host_list: return "list of names";
        case KeyKind::device_list: return "`\"auto\"`, `\"cpu\"` or list of UUIDs";
        case KeyKind::python_class: return "module and class";
        case KeyKind::command: return "program and arguments";
        case KeyKind::directory: return "folder";
        case KeyKind::program: return "program";
        case KeyKind::environment: return "table of texts";
        case KeyKind::devices: return "text or list of UUIDs";
        case KeyKind::count_or_auto: return "whole number or `\"auto\"`";
        case KeyKind::memory_need: return "amount, share or `\"all\"`";
        case KeyKind::variant_tables: return "tables";
    }
    return "";
}

std::string limits(const Key& key) {
    if (key.kind == KeyKind::choice) return wanted(key);
    if (key.low.empty()) return "";
    return fmt::format("{} to {}", key.low, key.high);
}

// "`"5m"`", or for example "such as `"2.5GiB"`" where there is none.
std::string default_cell(const Key& key) {
    if (!key.default_text.empty()) return fmt::format("`{}`", key.default_text);
    return fmt::format("none; such as `{}`", key.example);
}

std::string section_markdown(Section section) {
    std::string text = fmt::format("\n## {}\n\n", section_title(section));
    text += "| key | kind | default | limits | meaning |\n|---|---|---|---|---|\n";
    for (const Key& key : key_table()) {
        if (key.section != section) continue;
        const bool later = key.floor == Floor::later;
        text += fmt::format("| `{}` | {} | {} | {} | {}{} |\n", key.name, kind_text(key),
                            cell(default_cell(key)), limits(key), later ? "*Later.* " : "",
                            cell(key.meaning));
    }
    return text;
}

}  // namespace

std::string configuration_markdown() {
    std::string text{kIntroduction};
    for (const Section section :
         {Section::daemon, Section::devices, Section::model, Section::variant}) {
        text += section_markdown(section);
    }
    return text += kEnding;
}

}  // namespace windlass::daemon
