from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from recur.data.datasets.reviews import hold_out, split_reviews


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60), st.floats(0.1, 0.9))
def test_every_row_is_in_one_part_and_no_text_in_both(rows, share):
    texts, labels = [str(number) for number, _ in rows], [str(label) for _, label in rows]
    kept, held = hold_out(texts, labels, share)
    assert sorted(kept + held) == list(range(len(rows)))
    assert not {texts[row] for row in kept} & {texts[row] for row in held}


def test_the_same_share_of_every_label_and_always_the_same_rows():
    texts, labels = [str(n) for n in range(100)], ["a"] * 70 + ["b"] * 30
    kept, held = hold_out(texts, labels, 0.2)
    assert [sum(labels[row] == label for row in held) for label in "ab"] == [14, 6]
    assert hold_out(texts, labels, 0.2) == (kept, held)
    assert hold_out(texts, labels, 0.2, seed=1) != (kept, held)
    assert kept != sorted(kept)


def test_texts_keep_their_labels():
    reviews = split_reviews(
        [f"{n} {n % 2}" for n in range(50)], [str(n % 2) for n in range(50)], 0.2, "toy"
    )
    assert len(reviews.test) == 10
    pairs = [*zip(reviews.train, reviews.train_labels, strict=True)]
    pairs += [*zip(reviews.test, reviews.test_labels, strict=True)]
    assert all(text.endswith(label) for text, label in pairs)
