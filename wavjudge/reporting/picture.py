"""A console table as an SVG picture, for pages that show what the command line prints."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def svg(draw: Callable[[Console], None], *, title: str, width: int = 80) -> str:
    """What `draw` prints, as SVG: the same bytes for the same output, and no font fetched from anywhere.

    >>> picture = svg(lambda console: console.print("4.20"), title="demo")
    >>> "4.20" in picture, "http" in picture.replace("http://www.w3.org/2000/svg", "")
    (True, False)
    """
    screen = Console(record=True, width=width, file=io.StringIO(), highlight=False, markup=False)
    draw(screen)
    drawn = screen.export_svg(title=title, theme=DEFAULT_TERMINAL_THEME, unique_id="wavjudge")
    plain = _FONTS.sub("", drawn).replace("Fira Code, monospace", "monospace").replace("Fira Code", "monospace")
    return re.sub(r"<!--.*?-->\s*", "", plain, flags=re.DOTALL)
