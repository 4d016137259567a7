"""What of the package lies outside of this folder, and what only its publisher knows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_GUIDE = "durably/llms.md"


class GuideHook(BuildHookInterface[Any]):
    """Put docs/llms.md into the package, so that it is where the package is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the file; an unpacked sdist has it in its place already."""
        if version == "editable" or (Path(self.root) / _GUIDE).exists():
            return
        guide = Path(self.root).parent / "docs" / "llms.md"
        build_data["force_include"][str(guide)] = _GUIDE


class PublisherHook(MetadataHookInterface):
    """Name the repository that publishes, DURABLY_REPOSITORY: an address that ends in no slash."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the project's addresses; without a publisher there are none."""
        repository = os.environ.get("DURABLY_REPOSITORY")
        if repository:
            metadata["urls"] = {
                "Source": repository,
                "Documentation": f"{repository}/tree/main/docs",
                "Changelog": f"{repository}/blob/main/CHANGELOG.md",
                "Issues": f"{repository}/issues",
            }
