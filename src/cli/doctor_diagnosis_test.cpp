// How the doctor puts together and tells what its checks have found.
#include "cli/doctor_diagnosis.h"

#include <doctest/doctest.h>

#include "cli/command_line.h"

namespace windlass::cli {
namespace {

Diagnosis three_findings() {
    Diagnosis diagnosis{.findings = {{FindingKind::disk_fast, "2 us"},
                                     {FindingKind::shm_small, "64 MiB\nof it"},
                                     {FindingKind::driver_broken, "bad"},
                                     {FindingKind::shm_small, "64 MiB\nof it"}},
                        .facts = {{"driver.nvml", "none"}},
                        .checks = {"drivers", "memory"},
                        .took = std::chrono::milliseconds{1200}};
    arrange(diagnosis);
    return diagnosis;
}

TEST_CASE("the worst comes first, and what two checks tell is told once") {
    const Diagnosis diagnosis = three_findings();
    REQUIRE(diagnosis.findings.size() == 3);
    CHECK(diagnosis.findings[0].kind == FindingKind::driver_broken);
    CHECK(diagnosis.findings[2].kind == FindingKind::disk_fast);
    CHECK(diagnosis.count(Gravity::error) == 1);
    CHECK(diagnosis.count(Gravity::warning) == 1);
}

TEST_CASE("people read what was seen and what to do, in colour only where it is wanted") {
    const std::string text = diagnosis_text(three_findings(), false);
    CHECK(text.starts_with("driver.nvml  none\n"));
    CHECK(text.contains("warning: /dev/shm is small [shm_small]\n    seen: 64 MiB of it\n"));
    CHECK(text.ends_with("1 error, 1 warning; looked at drivers, memory in 1.2 s\n"));
    CHECK_FALSE(text.contains('\033'));
    CHECK(diagnosis_text(three_findings(), true).contains("\033[31merror\033[0m"));
    const std::string nothing = diagnosis_text({.checks = {"disk"}, .took = {}}, false);
    CHECK(nothing.ends_with("nothing found; looked at disk in 0.0 s\n"));
}

TEST_CASE("what a check's process writes is read back, and what models print is not") {
    const Finding finding{FindingKind::import_fails, "m: \"x\"\xff"};
    Diagnosis read;
    CHECK_FALSE(read_line(finding_line(finding), read));
    CHECK_FALSE(read_line(fact_line({"a", "b"}), read));
    for (const char* const other : {"", "hello", "[1]", R"({"finding":"nothing_we_know"})", "{"}) {
        CHECK_FALSE(read_line(other, read));
    }
    CHECK(read_line(done_line(), read));
    REQUIRE(read.findings.size() == 1);
    CHECK(read.findings[0].kind == FindingKind::import_fails);
    CHECK(read.findings[0].evidence.starts_with("m: \"x\""));
    CHECK(read.facts == std::vector<Fact>{{"a", "b"}});
}

TEST_CASE("the doctor's options are read, and a check that there is not is refused") {
    const Command command = parse_command_line(
        {"doctor", "--config", "w.toml", "--check", "disk", "--check", "clock", "--limit", "5s"});
    const auto* const doctor = std::get_if<DoctorArguments>(&command);
    REQUIRE(doctor != nullptr);
    CHECK(doctor->configuration == "w.toml");
    CHECK(doctor->checks == std::vector<std::string>{"disk", "clock"});
    CHECK(doctor->limit == std::chrono::seconds{5});
    CHECK_FALSE(doctor->state_dir);
    for (const std::vector<std::string>& wrong :
         {std::vector<std::string>{"doctor", "--check", "weather"}, {"doctor", "--limit", "0s"}}) {
        const Command refused = parse_command_line(wrong);
        REQUIRE(std::holds_alternative<Printout>(refused));
        CHECK(std::get<Printout>(refused).exit_code == 2);
    }
}

}  // namespace
}  // namespace windlass::cli
