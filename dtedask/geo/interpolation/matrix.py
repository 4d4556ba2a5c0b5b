"""Interpolation by weights that somebody else has made."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dtedask.core.errors import GridError
from dtedask.geo.interpolation.method import Method, MethodOptions

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid


class MatrixOptions(MethodOptions):
    """Options of `matrix`."""

    path: Path
    """A file of `scipy.sparse.save_npz`, of MIR (``.mat``), or NetCDF of ESMF or SCRIP."""


class Matrix(Method):
    """Weights of a file, as they are: points of both grids are in our order, and rows need not sum to 1."""

    Options: ClassVar[type[MethodOptions]] = MatrixOptions
    options: Any

    def identity(self) -> dict[str, Any]:
        """Say what is in the file.

        Raises
        ------
        GridError
            If there is no such file.
        """
        try:
            with self.options.path.open("rb") as file:
                return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
        except OSError as error:
            raise GridError(
                f"The weights {str(self.options.path)!r} cannot be read.", hint="Look at the path."
            ) from error

    def prepare(self, source: Grid, target: Grid) -> csr_array:
        """Read the file and check that it is for these grids."""
        from dtedask.geo.interpolation.matrix_files import read_matrix

        matrix = read_matrix(self.options.path)
        if matrix.shape != (target.size, source.size):
            raise GridError(
                f"The weights {str(self.options.path)!r} are for {matrix.shape[0]} points from {matrix.shape[1]}, but "
                f"{target.label} has {target.size} and {source.label} has {source.size}.",
                hint="Rows are points of the target, columns those of the source.",
            )
        return matrix

    def block(self, prepared: csr_array, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Take the rows of some points of the target."""
        return prepared[first:last]
