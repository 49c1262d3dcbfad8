"""Assets: files that come with the package and are not Python, found in an installed copy and in a checkout alike."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent


def asset_path(name: str) -> Path:
    """Return where an asset lies, such as ``migrations`` or ``examples/corner_grocer.yaml``.

    An installed copy carries its assets inside the package; a checkout has them at its root.
    """
    installed = _PACKAGE / "_assets" / name
    return installed if installed.exists() else _PACKAGE.parents[1] / name
