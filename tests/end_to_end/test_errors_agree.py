"""The table of error types: the program's and the Python package's are one."""

import json
import subprocess

from support import SOON_S, windlass_program


def test_the_program_and_the_python_package_have_the_same_errors():
    from windlass import errors

    told = subprocess.check_output([windlass_program(), "errors", "--json"], timeout=SOON_S)
    table = json.loads(told)
    rows = table if isinstance(table, list) else table["errors"]
    classes = {row["type"]: row["python_class"] for row in rows}
    assert classes == {type_: error.__name__ for type_, error in errors.ERRORS.items()}
    statuses = {row["type"]: row["http_status"] for row in rows}
    assert statuses == {type_: error.http_status for type_, error in errors.ERRORS.items()}
