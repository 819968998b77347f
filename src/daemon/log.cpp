// Log lines through spdlog: it gives time, level, colours and one writer at a time; the rest of the
// line is built here.
#include "daemon/log.h"

#include <fmt/core.h>
#include <spdlog/details/os.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "daemon/log_writer.h"

namespace windlass::daemon {
namespace {

using base::log::Field;
using base::log::Level;

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::debug: return spdlog::level::debug;
        case Level::info: return spdlog::level::info;
        case Level::warning: return spdlog::level::warn;
        case Level::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

// Length of the UTF-8 character that `text` begins with; 0 when it is none. RFC 3629 section 4:
// no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t character_size(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const bool overlong = first == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = first == 0xED && byte(1) >= 0xA0;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool overlong = first == 0xF0 && byte(1) < 0x90;
        const bool beyond = first == 0xF4 && byte(1) >= 0x90;
        return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

// What JSON strings must escape, and DEL; C1 controls are two bytes and drawn by some terminals.
void append_escaped(std::string& out, std::string_view text, bool within_quotes) {
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        const char c = text.front();
        const bool c1 = size == 2 && c == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
        if (size == 0) {
            out += "\uFFFD";
        } else if (within_quotes && (c == '"' || c == '\\')) {
            (out += '\\') += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c1) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[1]));
        } else if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
            out += text.substr(0, size);
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text, true);
    out += '"';
}

// Words stand as they are; anything that could be misread is quoted.
void append_text_value(std::string& out, const std::string& text) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"._-+:/@%,"}.find(c) != std::string_view::npos;
    };
    const bool word = !text.empty() && std::ranges::all_of(text, plain);
    if (word) {
        out += text;
    } else {
        append_quoted(out, text);
    }
}

// JSON has neither infinity nor "not a number".
std::string json_number(double value) {
    return std::isfinite(value) ? fmt::format("{}", value) : std::string{"null"};
}

void append_value(std::string& out, const Field& field, LogFormat format) {
    if (const auto* text = std::get_if<std::string>(&field.value)) {
        if (format == LogFormat::json) return append_quoted(out, *text);
        return append_text_value(out, *text);
    }
    if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
        out += std::to_string(*integer);
    } else if (const auto* real = std::get_if<double>(&field.value)) {
        out += json_number(*real);
    } else {
        out += std::get<bool>(field.value) ? "true" : "false";
    }
}

// A text of several lines, such as a traceback, below the line that it belongs to; the bar keeps it
// from passing for a line of the log.
void append_block(std::string& out, const Field& field, std::string_view text) {
    out += "\n    ";
    append_escaped(out, field.key, false);
    out += ':';
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        out += "\n    | ";
        append_escaped(out, text.substr(0, end), false);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

bool has_lines(const Field& field) {
    const auto* text = std::get_if<std::string>(&field.value);
    return text != nullptr && text->find('\n') != std::string::npos;
}

// `model.ready model=digits took=250ms`, then what has lines of its own.
std::string text_message(std::string_view event, std::span<const Field> fields) {
    std::string out;
    append_escaped(out, event, false);
    for (const Field& field : fields) {
        if (has_lines(field)) continue;
        out += ' ';
        append_escaped(out, field.key, false);
        out += '=';
        append_value(out, field, LogFormat::text);
    }
    for (const Field& field : fields) {
        if (has_lines(field)) append_block(out, field, std::get<std::string>(field.value));
    }
    return out;
}

// `"event":"model.ready","model":"digits","took":"250ms"}`: the pattern holds what comes before.
std::string json_message(std::string_view event, std::span<const Field> fields) {
    std::string out = "\"event\":";
    append_quoted(out, event);
    for (const Field& field : fields) {
        out += ',';
        append_quoted(out, field.key);
        out += ':';
        append_value(out, field, LogFormat::json);
    }
    return out += '}';
}

// spdlog's pattern flags: its wiki, "Custom formatting".
std::unique_ptr<spdlog::formatter> make_formatter(LogFormat format) {
    if (format == LogFormat::text) {
        return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v",
                                                           spdlog::pattern_time_type::local, "\n");
    }
    return std::make_unique<spdlog::pattern_formatter>(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v)", spdlog::pattern_time_type::utc, "\n");
}

// What spdlog formats goes to the thread of the log. The range that a pattern marks is coloured.
class WriterSink final : public spdlog::sinks::sink {
  public:
    WriterSink(std::shared_ptr<LogWriter> writer, bool has_colours)
        : writer_(std::move(writer)), has_colours_(has_colours) {}

    void log(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t formatted;
        message.color_range_start = message.color_range_end = 0;
        formatter_->format(message, formatted);
        std::string line{formatted.data(), formatted.size()};
        if (has_colours_ && message.color_range_end > message.color_range_start) {
            line.insert(message.color_range_end, "\033[m");
            line.insert(message.color_range_start, colour(message.level));
        }
        writer_->write(line);
    }
    void flush() override {}  // the thread writes as soon as it can
    void set_pattern(const std::string& pattern) override {
        formatter_ = std::make_unique<spdlog::pattern_formatter>(pattern);
    }
    void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
        formatter_ = std::move(formatter);
    }

  private:
    static const char* colour(spdlog::level::level_enum level) {
        if (level >= spdlog::level::err) return "\033[31m\033[1m";
        if (level == spdlog::level::warn) return "\033[33m\033[1m";
        return level == spdlog::level::info ? "\033[32m" : "\033[36m";
    }

    std::shared_ptr<LogWriter> writer_;
    bool has_colours_;
    std::unique_ptr<spdlog::formatter> formatter_;
};

base::log::Sink make_sink(LogFormat format, Level level, spdlog::sink_ptr sink) {
    sink->set_formatter(make_formatter(format));
    // Shared because std::function must be copyable; there is one owner in effect.
    auto logger = std::make_shared<spdlog::logger>("windlass", std::move(sink));
    logger->set_level(to_spdlog(level));
    logger->flush_on(spdlog::level::debug);
    return [logger, format](Level at, std::string_view event, std::span<const Field> fields) {
        if (!logger->should_log(to_spdlog(at))) return;
        const std::string message =
            format == LogFormat::json ? json_message(event, fields) : text_message(event, fields);
        // As a string_view it is not read as a format string.
        logger->log(to_spdlog(at), spdlog::string_view_t{message});
    };
}

}  // namespace

base::log::Sink make_log_sink(LogFormat format, Level level, std::ostream& out) {
    return make_sink(format, level, std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
}

void install_log(LogFormat format, std::shared_ptr<LogTap> tap, Level level) {
    // JSON never has colours; text has them when stderr is a terminal that knows them.
    const bool has_colours = format == LogFormat::text &&
                             spdlog::details::os::in_terminal(stderr) &&
                             spdlog::details::os::is_color_terminal();
    const auto writer = std::make_shared<LogWriter>(STDERR_FILENO);
    base::log::Sink sink =
        make_sink(format, level, std::make_shared<WriterSink>(writer, has_colours));
    if (tap) {
        sink = [tap = std::move(tap), next = std::move(sink)](Level at, std::string_view event,
                                                              std::span<const Field> fields) {
            tap->note(at, event, fields);
            next(at, event, fields);
        };
    }
    base::log::set_sink([writer, sink = std::move(sink)](Level at, std::string_view event,
                                                         std::span<const Field> fields) {
        if (const std::uint64_t lost = writer->take_lost(); lost > 0) {
            const Field count{"lines", lost};
            sink(Level::warning, "log.lines_lost", {&count, 1});
        }
        sink(at, event, fields);
    });
}

}  // namespace windlass::daemon
