from __future__ import annotations

import gzip

import pytest

from recur import InputError
from recur.data.records.tagged import Sentence, TaggedSentences, never_seen
from recur.data.tagged import asked, blocks_of, form_of, parse, read_tagged, written
from recur.data.tokens import tokens

CONLLU = """# newdoc id = one
# text = I can't.
1\tI\tI\tPRON\tPRP\tCase=Nom\t2\tnsubj\t_\t_
2-3\tcan't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
2\tca\tcan\tAUX\tMD\tVerbForm=Fin\t0\troot\t_\t_
3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t_
3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t_\t_
4\t.\t.\tPUNCT\t.\t_\t2\tpunct\t_\t_

# newdoc id = two
1\tNo\tno\tINTJ\tUH\t_\t0\troot\t_\t_
"""
BIO = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O

-DOCSTART- -X- -X- O

Peter NNP B-NP B-PER
"""


def test_conllu_without_what_is_no_word():
    found = parse(CONLLU, "a.conllu")
    assert found.columns == ("upos", "xpos", "feats", "deprel")
    assert found.words == [("I", "ca", "n't", "."), ("No",)]
    assert found.tags(0)[0] == ("PRON", "AUX", "PART", "PUNCT")
    documents = [each.document for each in found.sentences]
    assert len(set(documents)) == 2


@pytest.mark.parametrize("text", [BIO, BIO.replace(" ", "\t"), BIO.replace("\n", "\r\n")])
def test_columns_and_documents(text):
    found = parse(text, "a.txt")
    assert found.columns == ("2", "3", "4")
    assert found.words == [("EU", "rejects"), ("Peter",)]
    assert found.chosen([], "a").tags(0) == [("B-ORG", "O"), ("B-PER",)]
    assert found.chosen(["2", "4"], "a").sentences[1].tags == (("NNP",), ("B-PER",))
    assert len({each.document for each in found.sentences}) == 2


def test_the_words_may_stand_in_another_column():
    found = parse("O\tEU\n\nB-PER\tPeter\n", "a.tsv", word=2)
    assert (found.columns, found.words) == (("1",), [("EU",), ("Peter",)])


@pytest.mark.parametrize("word", ["\u3000", "1\u00a0000", "a\u2028b"])
@pytest.mark.parametrize("between", [" ", "\t"])
def test_other_spaces_are_letters_of_words(word, between):
    assert parse(f"{word}{between}X\nb{between}Y\n", "f").words == [(word, "b")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tX\nb\n", r"line 2 of f must be of 2 columns, as line 1; got 1"),
        ("a\tX\nb\t\n", r"line 2 of f must be without an empty column"),
        ("just\nwords\n", r"f must be CoNLL-U, or lines with a word and its tag.* got 1 column"),
        ("", r"f must be CoNLL-U.*got no words"),
        (CONLLU + "2\tb\n", r"line 12 of f must be a number and nine more columns.*2\\tb"),
        (
            "1\ta\t_\t_\t_\t_\t_\t_\t_\t_\n",
            r"columns upos, xpos, feats and deprel of f must be of tags; got '_' in all",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, message):
    with pytest.raises(InputError, match=message):
        parse(text, "f")


def test_columns_that_are_not_there_are_named():
    found = parse(CONLLU, "f")
    with pytest.raises(InputError, match=r"of a must be upos, xpos.* got 'upo'.*mean 'upos'"):
        found.chosen(["upo"], "a")
    with pytest.raises(InputError, match=r"columns of tags must be different ones"):
        found.chosen(["upos", "upos"], "a")
    with pytest.raises(InputError, match=r"column of the words in f must be a number from 1 to 4"):
        parse(BIO, "f", word=5)


def test_files_folders_and_their_parts(tmp_path):
    (tmp_path / "x-train.conllu.gz").write_bytes(gzip.compress(CONLLU.encode()))
    (tmp_path / "x-dev.conllu").write_bytes(b"\xef\xbb\xbf" + CONLLU.encode())
    (tmp_path / "latest.txt").write_text("no part", encoding="utf-8")
    splits = read_tagged(tmp_path)
    assert splits.validation is not None
    assert splits.train.words == splits.validation.words
    assert splits.test is None
    (tmp_path / "y.train").write_text(CONLLU, encoding="utf-8")
    with pytest.raises(InputError, match=r"the train part .* must be one file"):
        read_tagged(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"must be a file with train in its name.* got nothing"):
        read_tagged(tmp_path / "empty")
    (tmp_path / "latin").write_bytes("caf\xe9\tX".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin must be UTF-8 text"):
        read_tagged(tmp_path / "latin")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (CONLLU, "conllu"),
        (BIO, "spaces"),
        ("EU B-ORG\nPeter B-PER\n", "spaces"),
        ("EU\tX", "tabs"),
        ("I\nsaw\n\nNo\n", "words"),
        ("I saw her duck.\nHe ate the fish.\n", "text"),
        ("Hello", "text"),
        ("", "text"),
    ],
)
def test_the_form_of_a_text(text, form):
    assert form_of(text) == form


def test_what_is_asked_keeps_its_sentences_and_is_written_as_it_stood():
    first, second = blocks_of(CONLLU)
    sentence = asked(first, "it", 1)
    assert sentence is not None
    assert sentence.words == ("I", "ca", "n't", ".")
    tags = parse(CONLLU, "f").tags(0)[0]
    assert written(sentence, ["upos"], [tags]) == first + "\n\n"
    changed = written(sentence, ["xpos"], [["A", "B", "C", "D"]])
    assert [row.split("\t")[4] for row in changed.splitlines()[2:8]] == [
        "A",
        "_",
        "B",
        "C",
        "VB",
        "D",
    ]
    assert asked("I\nsaw\n", "it", 1) == Sentence(("I", "saw"))
    assert asked("EU\tX\tO\nsays\tX\tO", "it", 1) == Sentence(("EU", "says"))
    assert asked("-DOCSTART-\t-X-", "it", 1) is None
    assert second.startswith("# newdoc")


def test_a_text_is_written_with_its_spaces():
    sentence = Sentence(("He", "left", "."), text="He  left.")
    rows = written(sentence, ["upos"], [["PRON", "VERB", "PUNCT"]]).splitlines()
    assert rows[0] == "# text = He left."
    assert [row.split("\t")[9] for row in rows[1:4]] == ["_", "SpaceAfter=No", "_"]
    assert parse("\n".join(rows), "f").words == [("He", "left", ".")]
    assert written(sentence, ["4"], [["O", "O", "O"]]) == "He\tO\nleft\tO\n.\tO\n\n"


def sentences(*texts: str, documents: str = "") -> TaggedSentences:
    names = documents or " " * len(texts)
    return TaggedSentences(
        [Sentence(tuple(t.split()), document=d.strip()) for t, d in zip(texts, names, strict=True)]
    )


def test_no_sentence_stands_on_both_sides():
    kept, held = never_seen(sentences("a b", "c", "d", "a b", "e"), 0.4)
    assert kept.words == [("a", "b"), ("c",), ("d",)]
    assert held.words == [("e",)]


def test_documents_stay_whole():
    texts = [f"word {n}" for n in range(30)]
    kept, held = never_seen(sentences(*texts, documents="aaaabbbbccccddddeeeeffffgggghh"), 0.3)
    documents = [{each.document for each in part.sentences} for part in (kept, held)]
    assert not documents[0] & documents[1]
    assert len(kept) + len(held) == 30
    assert 9 <= len(held) <= 12


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't know John's.", "I do n't know John 's ."),
        ("We're here...", "We 're here ..."),
        ("Mr. Bean paid $3,000.50 at 10:30!!", "Mr. Bean paid $ 3,000.50 at 10:30 !!"),
        ("See https://a.org/b?c=d, or me@x.org.", "See https://a.org/b?c=d , or me@x.org ."),
        ("The U.S. said so Mr.", "The U.S. said so Mr ."),
        ("o'clock well-known a_b", "o'clock well - known a _ b"),
        ("\u6771\u4eac\u3067 42", "\u6771 \u4eac \u3067 42"),
        ("   ", ""),
    ],
)
def test_how_text_is_cut_into_words(text, words):
    assert tokens(text, {"n't", "'s", "'re", "mr.", "o'clock"}) == words.split()
