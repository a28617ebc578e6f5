"""Settings of the site that `make book` builds from the executed notebooks; nothing in it needs a network."""

project = "facesom"
author = "The facesom authors"
extensions = ["myst_nb"]
nb_execution_mode = "off"  # notebooks/run.py has executed them
nb_ipywidgets_js = {}  # would come from a foreign server
myst_enable_extensions = []  # no mathematics: it would, too
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header"]
html_theme = "sphinx_book_theme"
html_title = "facesom"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"show_toc_level": 2, "use_download_button": False, "use_fullscreen_button": False}
html_sidebars = {"**": ["navbar-logo.html", "sbt-sidebar-nav.html"]}
