"""Datasets of topics: 20 Newsgroups out of an archive, definitions out of a package."""

from __future__ import annotations

import io
import tarfile

import pytest

from recur.data.datasets import twenty_newsgroups, wordnet
from recur.messages import FailedError, InputError

POST = """From: somebody@example.org
Subject: Re: orbits

In article <1@example.org> x@example.org writes:
> what is said

It decays.

--
Somebody, Example Inc.
"""


def archive(path, posts):
    with tarfile.open(path, "w:xz") as opened:
        for name, text in posts.items():
            member = tarfile.TarInfo(name)
            content = text.encode("latin-1")
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RECUR_DATA", str(tmp_path))
    monkeypatch.setenv("RECUR_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_posts_in_the_official_split_the_last_ones_validate(folder):
    posts = {
        f"20news-bydate-train/{group}/{number}": POST.replace("decays", f"decäys {number}")
        for number in (9, 10, *range(100, 118))
        for group in ("sci.space", "rec.autos")
    }
    posts["20news-bydate-test/sci.space/200"] = "Subject: x\n\nplain\n"
    posts["20news-bydate-test/../evil/1"] = "never read"
    archive(folder / "20news-bydate.tar.xz", posts)
    found = twenty_newsgroups.load()
    assert found.validation.labels == ["rec.autos"] * 2 + ["sci.space"] * 2
    assert [text.split()[-1] for text in found.validation.texts] == ["116.", "117."] * 2
    assert len(found.train) == 36
    assert found.train.texts[0].strip() == "It decäys 9."
    assert found.test.texts == ["plain\n"]
    assert twenty_newsgroups.STRIPPED in found.notes
    whole = twenty_newsgroups.load("everything")
    assert whole.train.texts[0] == POST.replace("decays", "decäys 9")
    assert whole.notes == ()
    with pytest.raises(InputError, match=r"must be everything; got 'all'"):
        twenty_newsgroups.load("all")


def test_an_archive_of_something_else(folder):
    archive(folder / "20news-bydate.tar.xz", {"other/file.txt": "x"})
    with pytest.raises(FailedError, match=r"must hold 20news-bydate-train/sci.space/59846"):
        twenty_newsgroups.load()


@pytest.mark.parametrize(
    "post",
    [
        POST,
        "",
        "no headers",
        "a: b\n\n",
        "a: b\n\n\nfirst\n\n---\n",
        "a: b\n\n--\nsignature only",
        "a: b\n\none\n  \ntwo\n- -\nthree",
        "a: b\n\n| quoted\nhe said:\nwell",
    ],
)
def test_what_is_removed_is_what_scikit_learn_removes(post):
    theirs = pytest.importorskip("sklearn.datasets._twenty_newsgroups")
    expected = theirs.strip_newsgroup_footer(theirs.strip_newsgroup_header(post))
    assert twenty_newsgroups.stripped(post) == theirs.strip_newsgroup_quoting(expected)


def test_definitions_and_their_topics(tmp_path, monkeypatch):
    path = tmp_path / "data.noun"
    path.write_text(
        "  1 a licence  \n"
        "00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | the topmost\n"
        '07631926 13 n 01 bun 0 001 @ 07628870 n 0000 | a small cake; "a bun"; "buns"  \n'
    )
    monkeypatch.setattr(wordnet.SOURCE.__class__, "find", lambda _: path)
    found = wordnet.load()
    assert (found.train.texts, found.train.labels) == (["a small cake"], ["food"])
    path.write_text("00001740 xx damaged\n")
    with pytest.raises(FailedError, match=r"data.noun is damaged"):
        wordnet.load()
