"""One self-contained page to look into a map."""

from .page import show_explorer, write_explorer
