"""Recordings of sensors: the forms in which people have them, and what is wrong with some."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recur import InputError
from recur.data.records.recording_files import asked, read_recordings
from recur.data.records.recordings import How, apart
from recur.data.ts_files import parse_ts
from recur.data.variations import Variations, at, evenly

TS = """# a comment
@problemName Small
@timeStamps false
@classLabel true up down
@data
1,2,3:4,5,6:up
3,2:1,?:down
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes, three recordings each of two people, of unequal length."""
    for label in ("run", "walk"):
        for who in ("anna", "ben"):
            for number in range(3):
                rows = "\n".join(f"{step},{number}.5,{step}" for step in range(number + 1))
                write(tmp_path / label / who / f"{number}.csv", f"time,x,y\n{rows}")
    return tmp_path


def test_a_ts_file_with_its_test_part_beside(tmp_path):
    write(tmp_path / "Small_TRAIN.ts", TS)
    write(tmp_path / "Small_TEST.ts", TS.replace("?", "7"))
    with pytest.raises(InputError, match=r"step 2 of 'channel 2' of line 7 .* got none"):
        read_recordings(tmp_path / "Small_TRAIN.ts")
    found = read_recordings(tmp_path / "Small_TRAIN.ts", How(missing="fill"))
    assert [each.tolist() for each in found.train.values] == [
        [[1, 4], [2, 5], [3, 6]],
        [[3, 1], [2, 1]],
    ]
    assert found.train.labels == ["up", "down"]
    assert found.test is not None
    assert found.test.values[1].tolist() == [[3, 1], [2, 7]]
    write(tmp_path / "Small_TRAIN.ts", TS.replace("1,?", "?,?"))
    with pytest.raises(InputError, match=r"'channel 2' of line 7 .* must be one value at least"):
        read_recordings(tmp_path / "Small_TRAIN.ts", How(missing="fill"))
    assert found.notes == ("1 missing value filled up from the values around.",)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("1,2,3", "line 1 of it must be an @ line"),
        ("@data\n", "@data and recordings after it; got no line after it"),
        (TS + "1,2:3:up\n", "the channels of line 8 of it must be of one length"),
        (TS + "1,x:3,4:up\n", "channel 1 of line 8 of it must be numbers"),
        (TS + "1,2:3,4:left\n", "a class that @classLabel names; got 'left'"),
        (TS + "1,2:up\n", "line 8 of it must be of 2 channels, as line 6 of it; got 1"),
        (TS.replace("false", "true"), "without time stamps"),
    ],
)
def test_what_is_no_ts_file_is_named(text, wrong):
    def read():
        return [case.values() for case in parse_ts(text, "it")]

    with pytest.raises(InputError, match=wrong):
        read()


def test_a_folder_for_each_class_and_in_it_for_each_person(folder):
    found = read_recordings(folder)
    assert found.train.channels == ("x", "y")
    assert sorted({len(each) for each in found.train.values}) == [1, 2, 3]
    assert set(found.train.labels) == {"run", "walk"}
    assert set(found.train.subjects) == {"anna", "ben"}
    kept, held = apart(found.train, 0.3)
    assert not set(kept.subjects) & set(held.subjects)
    assert any("2 subjects" in note for note in found.notes)


def test_without_people_the_same_share_of_every_class(tmp_path):
    for label in ("run", "walk"):
        for number in range(4):
            write(tmp_path / label / f"{number}.csv", "x\n1\n2")
    kept, held = apart(read_recordings(tmp_path).train, 0.25)
    assert sorted(held.labels) == ["run", "walk"]
    assert len(kept) == 6


def test_what_cannot_be_read_is_named_or_left_out_with_a_count(folder):
    bad = folder / "run" / "anna" / "9.csv"
    for text, wrong in (
        ("x,y\n1,\n", r"step 1 of 'y' of .*9\.csv must be a value"),
        ("x,y\n", r"9\.csv"),
        ("x\n1\n", r"9\.csv must be with the channel 'y', as the others have it"),
        ("x,y,z\n1,2,3\n", r"with no channel 'z', as the others"),
        ("x,y\n1,red\n", r"'y' of .*9\.csv must be a number; got 'red'"),
    ):
        write(bad, text)
        with pytest.raises(InputError, match=wrong):
            read_recordings(folder)
        found = read_recordings(folder, How(drop_bad=True))
        assert len(found.train) == 12
        assert any("1 recording left out" in n and "9.csv" in n for n in found.notes)


def test_one_table_of_all(tmp_path):
    text = "recording,subject,label,x,y\na,1,run,1,2\na,1,run,3,4\nb,2,walk,5,6\n"
    found = read_recordings(write(tmp_path / "all.csv", text)).train
    assert [each.tolist() for each in found.values] == [[[1, 2], [3, 4]], [[5, 6]]]
    assert (found.labels, found.subjects) == (["run", "walk"], ["1", "2"])
    frame = pd.DataFrame({"recording": [1, 1, 2], "label": list("aab"), "x": [1.0, 2.0, 3.0]})
    found = read_recordings(frame).train
    assert [len(each) for each in found.values] == [2, 1]
    assert found.subjects == []
    with pytest.raises(InputError, match=r"'label' must be the same in every row of recording 'a'"):
        read_recordings(write(tmp_path / "two.csv", text.replace("run,3", "walk,3")))
    with pytest.raises(InputError, match=r"no column 'recording'.* a folder for each class"):
        read_recordings(write(tmp_path / "one.csv", "x,label\n1,a\n"))


def test_what_is_asked_has_the_channels_that_are_known(tmp_path):
    path = write(tmp_path / "one.csv", "y,x\n2,1\n4,3\n")
    found = asked([path, np.array([[5, 6]]), pd.DataFrame({"x": [7.0], "y": [8.0]})], ("x", "y"))
    assert [each.tolist() for each in found.values] == [[[1, 2], [3, 4]], [[5, 6]], [[7, 8]]]
    for wrong, why in (
        (np.zeros((3, 5)), r"numbers \(steps, 2\); got the shape \(3, 5\)"),
        (np.zeros((0, 2)), "of one step at least; got none"),
        (np.full((2, 2), np.inf), "must be finite"),
        (tmp_path, "must be a file; got the folder"),
        (tmp_path / "gone.csv", "gone.csv"),
    ):
        with pytest.raises(InputError, match=why):
            asked([wrong], ("x", "y"))


def test_variations_keep_the_channels_and_come_out_of_their_chance():
    values = np.random.default_rng(0).normal(size=(40, 3))
    changes = Variations(0.2, 0.1, 0.3, 0.3)
    one, other = (changes(values, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, other)
    assert one.shape[1] == 3
    assert 15 < len(one) < 60
    assert np.array_equal(Variations()(values, np.random.default_rng(1)), values)
    assert not Variations()
    for seed in range(20):  # a single step is left as one
        assert changes(values[:1], np.random.default_rng(seed)).shape == (1, 3)
    warped = Variations(warp=0.5)(values, np.random.default_rng(2))
    assert np.allclose(warped[[0, -1]], values[[0, -1]])


def test_values_between_steps_lie_on_straight_lines():
    values = np.array([[0.0], [2.0], [6.0]])
    assert at(values, np.array([0.0, 0.5, 1.5, 2.0])).ravel().tolist() == [0, 1, 4, 6]
    assert evenly(values, 5).ravel().tolist() == [0, 1, 2, 4, 6]
    assert evenly(values[:1], 3).ravel().tolist() == [0, 0, 0]
