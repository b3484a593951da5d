"""Face: what the contract of all tasks does not say."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recur import InputError, run
from recur.data.datasets.drawn_faces import draw_face
from recur.tasks import find
from recur.tasks.face_people import NOBODY
from recur.tasks.preparing import prepare

SMALL = {"size": 12, "embedding": 16, "units": 16, "batch_size": 16, "progress": False}


def write(folder, people, pictures=8):
    """Drawn faces, a folder each."""
    for person in people:
        into = folder / f"p{person:02}"
        into.mkdir(parents=True)
        for shot in range(pictures):
            Image.fromarray(draw_face(person, shot)).save(into / f"{shot}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("face") / "people", range(12))


@pytest.fixture(scope="module")
def trained(folder):
    how = {"epochs": 20, "unseen": True, "learning_rate": 0.02, **SMALL}
    return run.train("face", data=str(folder), out=folder.parent / "run", **how)


def people(part):
    return set(part.labels)


def test_people_who_are_tested_were_never_seen(trained, folder):
    splits = find("face").read(trained.options)
    assert not people(splits.test) & (people(splits.train) | people(splits.validation))
    assert len(people(splits.test)) == 3
    strangers = people(splits.validation) - people(splits.train)
    assert strangers, "some whom nobody learns, for the threshold"
    assert people(splits.validation) & people(splits.train)
    assert trained.trained.preprocessing.people == tuple(sorted(people(splits.train)))
    assert trained.trained.calibration["strangers"]
    assert not trained.scores.notes[1:]


def test_each_person_has_pictures_on_every_side_otherwise(folder):
    options = find("face").options(data=str(folder))
    splits = find("face").read(options)
    assert people(splits.test) == people(splits.train) == people(splits.validation)
    assert [splits.test.labels.count(name) for name in sorted(people(splits.test))] == [4] * 12
    prepared = prepare(find("face"), options)
    assert (prepared.validation.y >= 0).all()


def test_new_people_are_enrolled_without_training(trained, folder, tmp_path):
    enrolled = write(tmp_path / "new", (20, 21, 22), pictures=3)
    asked = [draw_face(person, 7) for person in (20, 21, 22, 25)]
    answers = trained.predict(asked, enrolled=str(enrolled), threshold=-1.0)
    assert {each.nearest for each in answers} <= {"p20", "p21", "p22"}
    assert all(each.person == each.nearest for each in answers)
    again = trained.predict(folder / "p00" / "0.png", enrolled=str(folder), threshold=-1.0)
    assert again[0].nearest in {f"p{n:02}" for n in range(12)}
    nobody = trained.predict(asked[:1], enrolled=str(enrolled), threshold=1.0)[0]
    assert nobody.person is None
    assert str(nobody).startswith(f"{NOBODY} (nearest: {nobody.nearest})")
    assert nobody.to_json()["person"] is None
    (one,) = (enrolled / "p20").parent.glob("p20")
    own = trained.predict(one / "0.png", enrolled=str(enrolled))[0]
    assert own.threshold == trained.trained.calibration["threshold"]


def test_a_person_may_be_enrolled_by_one_picture(trained, tmp_path):
    enrolled = write(tmp_path / "one", (20,), pictures=1)
    (answer,) = trained.predict(enrolled / "p20" / "0.png", enrolled=str(enrolled))
    assert answer.person == "p20"
    assert answer.nearness == pytest.approx(1)
    (why,) = trained.why(enrolled / "p20" / "0.png", enrolled=str(enrolled))
    assert why.name == "p20"
    assert len(why.values) == 144


def test_people_with_one_picture_are_said(folder, tmp_path):
    mixed = write(tmp_path / "mixed", range(4), pictures=4)
    write(mixed, (7, 8), pictures=1)
    splits = find("face").read(find("face").options(data=str(mixed)))
    assert people(splits.train) >= {"p07", "p08"}
    assert not people(splits.test) & {"p07", "p08"}
    assert any("2 people have one picture alone" in note for note in splits.notes)
    alone = write(tmp_path / "alone", range(4), pictures=1)
    with pytest.raises(InputError, match="must be enough to learn from"):
        find("face").read(find("face").options(data=str(alone)))


def test_other_people_are_measured_without_training(trained, tmp_path):
    others = write(tmp_path / "others", (20, 21, 22, 23), pictures=4)
    found = trained.evaluate(others)
    assert found.values["people"] == 4
    assert 0 <= found.values["equal_error_rate"] <= 1
    assert {"eigenfaces_top1", "refused", "strangers_taken"} <= set(found.values)
    single = write(tmp_path / "single", (20, 21), pictures=1)
    with pytest.raises(InputError, match="people must be with two pictures at least"):
        trained.evaluate(single)


def test_pictures_that_cannot_be_enrolled_are_named(trained, folder, tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*gone"):
        trained.predict(folder / "p00" / "0.png", enrolled=str(tmp_path / "gone"))
    (tmp_path / "bad" / "p1").mkdir(parents=True)
    (tmp_path / "bad" / "p1" / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"x\.jpg cannot be read: it is no picture"):
        trained.predict(folder / "p00" / "0.png", enrolled=str(tmp_path / "bad"))
    with pytest.raises(InputError, match=r"a folder of pictures for each person \(FOLDER/PERSON"):
        trained.predict(folder / "p00" / "0.png", enrolled=str(folder / "p00"))


def test_a_mirror_image_is_the_same_person(trained):
    face = draw_face(3, 1)
    one, other = trained.predict([face, np.ascontiguousarray(face[:, ::-1])])
    assert one.nearness == pytest.approx(other.nearness, abs=1e-5)
    assert one.nearest == other.nearest
