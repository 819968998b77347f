// SQL on the table `peak`.
#include "store/sqlite/peak_table.h"

#include <cstdint>

namespace windlass::store::sqlite {
namespace {

base::Result<void> run(Statement& statement) {
    WL_TRY(statement.step());
    return {};
}

void bind(Statement& statement, const NeedKey& key) {
    statement.bind(key.model).bind(key.variant).bind(key.make);
}

}  // namespace

base::Result<void> insert_peak(Connection& connection, const Peak& peak) {
    Statement insert = WL_TRY(
        connection.prepare("INSERT INTO peak(model, variant, make, bytes) VALUES(?, ?, ?, ?)"));
    bind(insert, peak.key);
    insert.bind(static_cast<std::int64_t>(peak.bytes.count()));
    WL_TRY(run(insert));
    Statement trim =
        WL_TRY(connection.prepare("DELETE FROM peak WHERE seq IN ("
                                  "SELECT seq FROM peak WHERE model=? AND variant=? AND make=? "
                                  "ORDER BY seq DESC LIMIT -1 OFFSET ?)"));
    bind(trim, peak.key);
    trim.bind(static_cast<std::int64_t>(Store::kPeaksMax));
    return run(trim);
}

base::Result<void> delete_peaks(Connection& connection, const NeedKey& key) {
    Statement statement =
        WL_TRY(connection.prepare("DELETE FROM peak WHERE model=? AND variant=? AND make=?"));
    bind(statement, key);
    return run(statement);
}

base::Result<std::vector<Peak>> select_peaks(Connection& connection) {
    Statement statement =
        WL_TRY(connection.prepare("SELECT model, variant, make, bytes FROM peak ORDER BY seq"));
    std::vector<Peak> peaks;
    while (WL_TRY(statement.step())) {
        peaks.push_back({.key = {statement.text(0), statement.text(1), statement.text(2)},
                         .bytes = base::Bytes{static_cast<std::uint64_t>(statement.number(3))}});
    }
    return peaks;
}

}  // namespace windlass::store::sqlite
