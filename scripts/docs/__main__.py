"""Renew every generated part of every page."""

import sys

from scripts.docs import pages

for page in pages.generated():
    text = page.read_text(encoding="utf-8")
    new = pages.renewed(text)
    if new != text:
        page.write_text(new, encoding="utf-8")
        sys.stdout.write(f"renewed {page.relative_to(pages.ROOT)}\n")
