"""Writes digits.csv.gz from the copy of the data set inside Debian's package python3-sklearn.

    apt-get download python3-sklearn
    python3 extract.py python3-sklearn_*.deb

Needs dpkg-deb, and nothing of scikit-learn itself. The same package and zlib give the same bytes.
"""

import gzip
import io
import subprocess
import sys
import tarfile

from dataset import PATH, PIXELS

MEMBER = "./usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz"
HEADER = ",".join(["label"] + ["p%d" % index for index in range(PIXELS)])


def rows_of(package):
    """The 1,797 rows of the packaged file: 64 pixels, then the label."""
    tar_bytes = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", package], check=True, stdout=subprocess.PIPE, timeout=60
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(tar_bytes)) as tar:
        text = gzip.decompress(tar.extractfile(MEMBER).read()).decode("ascii")
    return [[int(value) for value in line.split(",")] for line in text.splitlines()]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: extract.py python3-sklearn_VERSION_all.deb")
    rows = rows_of(sys.argv[1])
    if len(rows) != 1797 or any(len(row) != PIXELS + 1 for row in rows):
        sys.exit("extract.py: %s holds another data set than the expected one" % sys.argv[1])
    lines = [HEADER] + [",".join(map(str, row[-1:] + row[:-1])) for row in rows]
    text = "\n".join(lines) + "\n"
    # No file name and time 0 in the gzip header, so that the result depends on the input only.
    with open(PATH, "wb") as raw:
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0) as out:
            out.write(text.encode("ascii"))
    print("%s: %d images" % (PATH, len(rows)))


if __name__ == "__main__":
    main()
