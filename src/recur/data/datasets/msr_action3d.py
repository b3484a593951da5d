"""MSR Action3D: twenty actions of ten people, skeletons of twenty joints, fifteen frames a second.

W. Li, Z. Zhang and Z. Liu, "Action recognition based on a bag of 3D points", CVPR 2010: people were
filmed by a depth camera up to three times an action, and their joints tracked. The 557 recordings
that papers take; those of people 1, 3, 5, 7 and 9 are learnt from, the others tested on.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from recur.data.datasets.archives import members
from recur.data.datasets.source import Source
from recur.data.records.filmed import Skeletons
from recur.data.skeletons import Skeleton
from recur.data.splits import Splits
from recur.messages import FailedError

SOURCE = Source(
    name="msr-action3d",
    title="MSR Action3D, skeletons",
    task="video",
    licence="for research",
    homepage="https://sites.google.com/view/wanqingli/data-sets/msr-action3d",
    size="4.2 MB",
    local=("MSRAction3D_skeletons_real_world.tar.xz",),
)
RECORDS = Skeletons
ACTIONS = (
    "high arm wave",
    "horizontal arm wave",
    "hammer",
    "hand catch",
    "forward punch",
    "high throw",
    "draw x",
    "draw tick",
    "draw circle",
    "hand clap",
    "two hand wave",
    "side boxing",
    "bend",
    "forward kick",
    "side kick",
    "jogging",
    "tennis swing",
    "tennis serve",
    "golf swing",
    "pick up and throw",
)
JOINTS = (
    "shoulder 1",
    "shoulder 2",
    "neck",
    "spine",
    "hip 1",
    "hip 2",
    "hip",
    "elbow 1",
    "elbow 2",
    "wrist 1",
    "wrist 2",
    "hand 1",
    "hand 2",
    "knee 1",
    "knee 2",
    "ankle 1",
    "ankle 2",
    "foot 1",
    "foot 2",
    "head",
)
TESTED = ("2", "4", "6", "8", "10")
"""People who are never learnt from."""
_NAME = re.compile(r"(?:.*/)?(a(\d\d)_s(\d\d)_e\d\d)_skeleton3D\.txt")
_LIST = "files_used_in_cvpr12_paper.txt"


def load() -> Splits[Skeletons]:
    """Returns the recordings in the cross-subject split.

    Raises:
        FailedError: if the file cannot be had, or is damaged.
    """
    found = _read(SOURCE.find())
    rows = {
        part: [n for n, who in enumerate(found.people) if (who in TESTED) == (part == "test")]
        for part in ("train", "test")
    }
    about = "MSR Action3D, cross-subject"
    return Splits(found.take(rows["train"]), test=found.take(rows["test"]), about=about)


def _read(archive: Path) -> Skeletons:
    content = dict(members(archive, lambda name: name.endswith(".txt")))
    listed = [text for name, text in content.items() if name.endswith(_LIST)]
    used = {line.split()[0] for line in b"\n".join(listed).decode().splitlines() if line.strip()}
    clips, labels, people, names = [], [], [], []
    for name, text in sorted(content.items()):
        named = _NAME.fullmatch(name)
        if named is None or named[1] not in used:
            continue
        try:
            values = np.array(text.split(), dtype=np.float64).reshape(-1, len(JOINTS), 4)[..., :3]
        except ValueError as error:
            raise FailedError(f"{name} of {archive} is damaged: {error}. Get it again.") from error
        clips.append(Skeleton(values, JOINTS))
        labels.append(ACTIONS[int(named[2]) - 1])
        people.append(str(int(named[3])))
        names.append(named[1])
    if not clips:
        expected = f"recordings that {_LIST} lists"
        raise FailedError(f"{archive} must hold {expected}; it does not. Get it again.")
    return Skeletons(clips, labels, [], people, names)
