"""Messages of catalogues: which are kept, and which languages there are."""

from __future__ import annotations

import json

import pytest

from recur import InputError
from recur.data.datasets import messages
from recur.data.datasets.source import Source

CATALOGUES = {
    "en": {
        "a": {"save": "Save  it\nnow", "ok": "OK"},
        "n": "{count} files",
        "again": "Save it now",
    },
    "de": {"a": {"save": "Jetzt speichern", "ok": "OK"}, "n": "x", "again": "Jetzt speichern"},
    "pt-BR": {"a": {"save": "Salvar"}, "again": ""},
}


@pytest.fixture(autouse=True)
def package(monkeypatch, tmp_path):
    folder = tmp_path / "static" / "translations" / "config"
    folder.mkdir(parents=True)
    for language, content in CATALOGUES.items():
        (folder / f"{language}-{'0' * 32}.json").write_text(json.dumps(content))
    (folder / "else.json").write_text("[]")
    monkeypatch.setattr(Source, "find", lambda _: tmp_path / "__init__.py")


def test_messages_of_both_languages_without_placeholders_and_repetitions():
    found = messages.load()
    assert found.train.sources == ["Save it now"]
    assert found.train.targets == ["Jetzt speichern"]


def test_languages_whose_names_have_a_minus():
    assert messages.load("pt-BR-de").train.targets == ["Jetzt speichern"]
    assert messages.load("de-pt-BR").train.targets == ["Salvar"]


@pytest.mark.parametrize("part", ["", "en", "en-xx", "de-de"])
def test_other_languages_are_refused(part):
    with pytest.raises(InputError, match=r"of messages must be"):
        messages.load(part)
