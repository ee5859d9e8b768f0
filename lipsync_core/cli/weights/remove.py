"""`lipsync weights remove`."""

from __future__ import annotations

from rich.markup import escape

from lipsync_core.cli.confirmation import confirm
from lipsync_core.cli.console import print_json, stderr
from lipsync_core.cli.flags import Json, Yes
from lipsync_core.cli.weights.choosing import Name, chosen
from lipsync_core.weights.removal import remove, stored


def remove_weights(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Delete weight files.

    Deletes the files of NAME from lipsync's store; of a linked file only the link. Files in the cache of
    Hugging Face's tools are kept, because other programs use them too.

    Example: `lipsync weights remove wav2lip`
    """
    known = chosen([name])
    here = [path for entry in known for path in stored(entry)]
    if here and not yes:
        confirm(f"Delete {', '.join(map(str, here))}?")
    gone = remove(known)
    if as_json:
        print_json({"removed": gone})
        return
    for path in gone:
        stderr.print(f"removed {escape(str(path))}", soft_wrap=True)
    if not gone:
        stderr.print(f"The store has no weight files of '{name}'.")
    for path in (p for entry in known if (p := entry.find())):
        stderr.print(f"kept in the cache of other programs: {escape(str(path))}", soft_wrap=True)
