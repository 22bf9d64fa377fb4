"""Emoji with their names and keywords as captions."""

import json
from typing import Any

from ganzoo.common.errors import GanzooError
from ganzoo.data.caption_files import FILES
from ganzoo.data.caption_folder import CaptionFolder
from ganzoo.data.layout import Layout

PEOPLE = "People & Body"
KEYWORDS = 4  # in a caption beside the name


class Emoji(CaptionFolder):
    """Emoji of one style, 128x128 on white, under their name, under keywords, and under both.

    `captions.jsonl` has for each picture its `file`, `name`, `group` and `keywords`, as in an archive of Google's Noto
    Emoji and Blobmoji with names of Unicode's CLDR and keywords of emojilib. The first folder is the style.

    Args:
        root: the zip or folder.
        size: height and width of the images in pixels.
        style: which pictures: `noto` or `blob`.
        people: also those of people and their hands in all tones of skin, 6 of 10 of the pictures.
        held_out: share of the pictures that make a test split.
        words: how many words are known.
        length: words of a caption that count.
        embeddings: see `CaptionFolder`; of texts "name: keyword, keyword ...".
        title: what the pictures are, for model cards.
        licence: their terms.
        source: who made them, and where they come from.
        **kwargs: see `CaptionFolder`.
    """

    def __init__(
        self,
        root: str = "emoji128.zip",
        size: int = 64,
        style: str = "noto",
        people: bool = False,
        held_out: float = 0.0,
        words: int = 2500,
        length: int = 12,
        embeddings: str | None = None,
        title: str | None = "Emoji",
        licence: str = "Apache-2.0",
        source: str = "Google Noto Emoji and Blobmoji, names of Unicode CLDR, keywords of emojilib",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            root,
            size,
            3,
            held_out,
            words,
            length,
            embeddings=embeddings,
            title=title,
            licence=licence,
            source=source,
            **kwargs,
        )
        self.style, self.people = style, people

    def arrange(self, names: list[str]) -> Layout:
        """Returns the splits of the pictures of the style that are wanted; these have no classes."""
        own = [name for name in names if name.partition("/")[0] == self.style]
        wanted = self.all_captions(own)
        return super().arrange([name for name in own if name in wanted])

    def all_captions(self, names: list[str]) -> dict[str, list[str]]:
        """Returns name, name with keywords, and keywords of each picture.

        Raises:
            GanzooError: if the archive has no such records, or no such style.
        """
        if not names:
            raise GanzooError(f"data.style: there are no pictures in {self.style}/ of {self.root}.")
        captions: dict[str, list[str]] = {}
        try:
            for line in self._read(FILES[0]).decode().splitlines():
                record = json.loads(line)
                if self.people or record["group"] != PEOPLE:
                    captions[record["file"]] = self.texts(record["name"], record["keywords"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise GanzooError(f"data.root: {FILES[0]} of {self.root} has no records of emoji: {error!r}.") from None
        return captions

    def texts(self, name: str, keywords: list[str]) -> list[str]:
        """Returns the captions of an emoji, or the text that it has an embedding of."""
        if self.embeddings is not None:
            return [f"{name}: {', '.join(keywords)}", name]
        several = " ".join(keywords[:KEYWORDS])
        return [name, f"{name} {several}".strip(), *([several] if several else [])]
