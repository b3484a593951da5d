"""The numbers of each epoch for TensorBoard: `tensorboard --logdir FOLDER` shows them."""

from __future__ import annotations

from typing import Any

from recur.files import PathLike, path_of
from recur.messages import FailedError
from recur.training.callbacks import Callback, Training


class TensorBoard(Callback):
    """Writes the columns of the history, a scalar each, as each epoch ends.

    Args:
        folder: where to write. A training that goes on goes on in it.

    Raises:
        FailedError: if the package tensorboard is not installed.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = path_of(folder)
        self._make = _writer()
        self._writer: Any = None

    def on_train_begin(self, training: Training) -> None:
        """Opens a file; what was written of epochs that are done again is not shown."""
        self._writer = self._make(str(self.folder), purge_step=training.epoch)

    def on_epoch_end(self, training: Training) -> None:
        """Writes the row."""
        for name, value in training.row.items():
            self._writer.add_scalar(name, value, training.epoch)
        self._writer.flush()

    def on_train_end(self, training: Training) -> None:
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()


def _writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise FailedError(
            "TensorBoard needs the package tensorboard. Install it with: "
            "pip install 'recur[tensorboard]'"
        ) from error
    return SummaryWriter
