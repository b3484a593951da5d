"""NSL-KDD: connections in a network, usual ones and attacks, with 41 features each.

M. Tavallaee et al., "A detailed analysis of the KDD CUP 99 data set", CISDA 2009. KDDTrain+ and
KDDTest+ are its official parts; 17 of the 37 kinds of attacks in the second are in it alone. The
rows are in no order of time.
"""

from __future__ import annotations

import csv
import io

import numpy as np
from numpy.typing import NDArray

from recur.data.datasets.source import Source
from recur.data.datasets.unpacked import text_of
from recur.data.records.connections import Connections
from recur.data.splits import Splits
from recur.messages import FailedError


def _part(file: str) -> Source:
    return Source(
        name="nsl-kdd",
        title="NSL-KDD",
        task="anomaly",
        licence="free for research with citation (Canadian Institute for Cybersecurity, UNB)",
        homepage="https://www.unb.ca/cic/datasets/nsl.html",
        size="2.4 MB",
        local=(f"{file}.txt.gz", f"{file}.txt"),
    )


SOURCE, _TEST = _part("KDDTrain+"), _part("KDDTest+")
RECORDS = Connections
SYMBOLS = ("protocol_type", "service", "flag")
_KINDS = {
    "dos": "neptune smurf back teardrop pod land apache2 processtable mailbomb udpstorm",
    "probe": "satan ipsweep portsweep nmap mscan saint",
    "r2l": "warezclient guess_passwd warezmaster imap ftp_write multihop phf spy snmpguess "
    "snmpgetattack worm named sendmail xlock xsnoop",
    "u2r": "buffer_overflow rootkit loadmodule perl ps sqlattack xterm httptunnel",
}
KINDS = {attack: kind for kind, attacks in _KINDS.items() for attack in attacks.split()}
"""The four kinds of attacks: denial of service, probing, access from afar, and to the root."""
COLUMNS = (
    "duration",
    "protocol_type",
    "service",
    "flag",
    "src_bytes",
    "dst_bytes",
    "land",
    "wrong_fragment",
    "urgent",
    "hot",
    "num_failed_logins",
    "logged_in",
    "num_compromised",
    "root_shell",
    "su_attempted",
    "num_root",
    "num_file_creations",
    "num_shells",
    "num_access_files",
    "num_outbound_cmds",
    "is_host_login",
    "is_guest_login",
    "count",
    "srv_count",
    "serror_rate",
    "srv_serror_rate",
    "rerror_rate",
    "srv_rerror_rate",
    "same_srv_rate",
    "diff_srv_rate",
    "srv_diff_host_rate",
    "dst_host_count",
    "dst_host_srv_count",
    "dst_host_same_srv_rate",
    "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate",
    "dst_host_srv_diff_host_rate",
    "dst_host_serror_rate",
    "dst_host_srv_serror_rate",
    "dst_host_rerror_rate",
    "dst_host_srv_rerror_rate",
)


def load() -> Splits[Connections]:
    """Returns the connections in their official parts.

    Raises:
        FailedError: if the files cannot be had, or hold something else.
    """
    train, test = (_read(source) for source in (SOURCE, _TEST))
    return Splits(train, test=test, about="NSL-KDD (KDDTrain+ and KDDTest+)")


def _read(source: Source) -> Connections:
    path = source.find()
    rows = list(csv.reader(io.StringIO(text_of(path), newline="")))
    if not rows or {len(row) for row in rows} != {len(COLUMNS) + 2}:
        expected = f"rows of {len(COLUMNS)} features, a label and a difficulty"
        raise FailedError(f"{path} must hold {expected}; it does not. Get it again.")
    *features, labels, _ = zip(*rows, strict=True)
    columns = dict(zip(COLUMNS, features, strict=True))
    try:
        read = {name: _cells(name, cells) for name, cells in columns.items()}
    except ValueError as error:
        raise FailedError(f"{path} is damaged: {error}. Get it again.") from error
    places = [f"row {number}" for number in range(1, len(rows) + 1)]
    return Connections(read, list(labels), "normal", places, KINDS)


def _cells(name: str, cells: tuple[str, ...]) -> NDArray[np.generic]:
    return np.array(cells, dtype=object if name in SYMBOLS else np.float64)
