"""The documentation site: its pages of variants, checkpoints and classes, and its live samplers, made as it is built.

Guides are the Markdown files of docs/, which read as well in the repository. `hooks` gives MkDocs the other pages:

- `links`: where what a guide links to stands on the site, in or outside docs/.
- `variants`: a page for each model file, by its header, recipes and checkpoints; and the gallery.
- `reference`: a page of classes and functions for each room of the package.
- `live`: exported models and onnxruntime-web, by which pages draw in the visitor's browser.
"""
