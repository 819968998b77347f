// What models were measured to need, as rows. Within a transaction of the caller's.
#pragma once

#include <vector>

#include "base/result.h"
#include "store/sqlite/connection.h"
#include "store/store.h"

namespace windlass::store::sqlite {

base::Result<void> insert_peak(Connection& connection, const Peak& peak);
base::Result<void> delete_peaks(Connection& connection, const NeedKey& key);
base::Result<std::vector<Peak>> select_peaks(Connection& connection);  // the oldest first

}  // namespace windlass::store::sqlite
