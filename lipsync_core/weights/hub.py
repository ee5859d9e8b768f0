"""Downloads one declared file from the hub: resumed where it broke off, checked, and only then in its place.

huggingface_hub knows the protocol, mirrors (`HF_ENDPOINT`), tokens, proxies and offline mode. Its own
`hf_hub_download` begins anew after a kill (each process writes a file of its own), so the bytes go through
its `http_get` into a `.part` file named after the content, which the next try continues.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from filelock import FileLock

from lipsync_core._version import __version__
from lipsync_core.errors import LipsyncError, PluginUnavailable
from lipsync_core.weights import digests, intake, location
from lipsync_core.weights.entries import Entry
from lipsync_core.weights.meter import Meter
from lipsync_core.weights.outline import differences, outline


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the hub says about a file: where, how large, which content."""

    url: str
    size: int | None
    etag: str

    @property
    def sha256(self) -> str | None:
        """Digest of the content, where the hub states it (for large files)."""
        return self.etag if re.fullmatch(r"[0-9a-f]{64}", self.etag) else None


def pull(entry: Entry, meter: Meter | None = None, *, again: bool = False) -> Path:
    """Bring the file of `entry` from its repository to its place; `again`, also where it is there.

    Raises:
        PluginUnavailable: no network, no access, no such file, or not the file that the plugin declares.
        OutputError: the store cannot be written, or the disk is full.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the library is imported
    meter = meter or Meter()
    place = entry.place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.parent / f".{place.name}.lock"):
            if entry.find() == place and not again:  # another process was faster
                return place
            with _told(entry):
                offer = _ask(entry)
            _refuse_other_offer(entry, offer)
            part = _download(entry, offer, meter)
            digest = _checked(entry, offer, part, meter)
            digests.sync(part)
            part.replace(place)
            digests.remember(location.folder(entry.spec), {entry.weight.path: digest})
    except OSError as error:
        raise intake.unwritable(place, error) from error
    return place


def _ask(entry: Entry) -> Offer:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    weight = entry.weight
    assert weight.repository is not None
    endpoint = os.environ.get("HF_ENDPOINT") or None
    file = weight.file or weight.path
    said = get_hf_file_metadata(hf_hub_url(weight.repository, file, endpoint=endpoint))
    # The commit, so that a file which changes meanwhile cannot be half of one and half of the other.
    url = hf_hub_url(weight.repository, file, revision=said.commit_hash, endpoint=endpoint)
    return Offer(url=url, size=said.size, etag=said.etag or "unknown")


def _refuse_other_offer(entry: Entry, offer: Offer) -> None:
    """Before a byte is fetched: the repository may carry another version by now."""
    weight = entry.weight
    size = weight.size is not None and offer.size is not None and weight.size != offer.size
    digest = weight.sha256 and offer.sha256 and weight.sha256 != offer.sha256
    if size or digest:
        what = f"{offer.size} bytes instead of {weight.size}" if size else "another checksum"
        raise PluginUnavailable(
            f"{weight.repository} now carries another {entry.weight.path} than {entry.name} wants ({what}).",
            "Update the plugin, or import the right file: lipsync weights import FILE",
        )


def _download(entry: Entry, offer: Offer, meter: Meter) -> Path:
    """The finished `.part` file; what an earlier try left is continued."""
    place = entry.place
    kept = re.sub(r"[^0-9A-Za-z]", "", offer.etag)[:16]
    part = place.with_name(f".{place.name}.{kept}.part")
    for old in place.parent.glob(f".{place.name}.*.part"):  # of another version
        if old != part:
            old.unlink(missing_ok=True)
    done = part.stat().st_size if part.exists() else 0
    if offer.size is not None and done > offer.size:
        part.unlink()
        done = 0
    if offer.size is not None:
        intake.demand_space(place.parent, offer.size - done)
    meter.start(f"{entry.name}: {place.name}", offer.size, done)
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch(entry, offer, part, meter)
        except PluginUnavailable:  # a connection that broke on the way is taken up again
            if part.stat().st_size <= before:
                raise
            time.sleep(1)
        else:
            return part


def _fetch(entry: Entry, offer: Offer, part: Path, meter: Meter) -> None:
    """Append to `part` what it lacks."""
    from huggingface_hub.file_download import http_get

    hub: Any = import_module("huggingface_hub.utils")  # it types these as private
    hub.disable_progress_bars()
    hub.logging.set_verbosity_error()  # it would tell of each connection that it takes up again
    with part.open("ab") as file, _told(entry):
        http_get(
            offer.url,
            cast(Any, _Counted(file, meter)),
            resume_size=file.tell(),
            headers=hub.build_hf_headers(library_name="lipsync", library_version=__version__),
            expected_size=offer.size,
        )


class _Counted:
    """A file that tells the meter what is written into it."""

    def __init__(self, file: IO[bytes], meter: Meter) -> None:
        self._file, self._meter = file, meter

    def write(self, block: bytes) -> int:
        self._meter.advance(len(block))
        return self._file.write(block)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a file has
        return getattr(self._file, name)


def _checked(entry: Entry, offer: Offer, part: Path, meter: Meter) -> str:
    """The digest of what came; a file that is not the declared one is deleted and refused."""
    digest = digests.sha256(part, meter, entry.place.name)
    wanted = entry.weight.sha256 or offer.sha256
    try:
        if wanted and digest != wanted:
            raise PluginUnavailable(
                f"{entry.label} came with a wrong checksum "
                f"(sha256 {digest[:12]}... instead of {wanted[:12]}...) and was thrown away.",
                "Try again; if it stays so, something between here and the hub changes files.",
            )
        if entry.weight.holds and (told := differences(entry.weight, outline(part))):
            raise PluginUnavailable(
                f"{entry.weight.repository} carries another variant of {entry.weight.path} than "
                f"{entry.name} wants: {'; '.join(told[:3])}; it was thrown away.",
                "Update the plugin, or import the right file: lipsync weights import FILE",
            )
    except PluginUnavailable:
        part.unlink()
        raise
    return digest


@contextmanager
def _told(entry: Entry) -> Iterator[None]:
    """Turn what the hub's library raises into one sentence with the remedy."""
    from huggingface_hub import errors

    weight = entry.weight
    what = f"{weight.file or weight.path} of {weight.repository}"
    # What an unfinished download has fetched is kept, so "again" does not mean "from the start".
    again = f"Check the network or a mirror (HF_ENDPOINT), then: lipsync weights pull {entry.name}"
    try:
        yield
    except LipsyncError:
        raise
    except errors.OfflineModeIsEnabled as error:
        raise PluginUnavailable(
            f"{what} is not here, and HF_HUB_OFFLINE forbids to fetch it.",
            "Unset HF_HUB_OFFLINE, or import the file: lipsync weights import FILE",
        ) from error
    except errors.GatedRepoError as error:
        raise PluginUnavailable(
            f"{weight.repository} gives its files only to those who accepted its licence.",
            f"Accept it at {_page(entry)}, log in with `hf auth login` (or set HF_TOKEN), pull again.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise PluginUnavailable(
            f"The hub knows no repository {weight.repository}, or it is private.",
            "Where it is yours, log in with `hf auth login` (or set HF_TOKEN); else import the file from "
            "elsewhere: lipsync weights import FILE",
        ) from error
    except (errors.EntryNotFoundError, errors.RevisionNotFoundError) as error:
        raise PluginUnavailable(
            f"There is no {what} any more.",
            "Update the plugin, or import the file from elsewhere: lipsync weights import FILE",
        ) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", "an error")
        if status in (401, 403):
            raise PluginUnavailable(
                f"The hub refuses {what} ({status}).",
                f"Accept the licence at {_page(entry)} if it has one, and log in with `hf auth login` "
                "(or set HF_TOKEN).",
            ) from error
        raise PluginUnavailable(f"The hub answered {status} for {what}.", again) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EFBIG):
            raise
        raise _no_network(what, error, again) from error
    except Exception as error:  # each version of the hub's library has HTTP errors of its own
        raise _no_network(what, error, again) from error


def _no_network(what: str, error: Exception, again: str) -> PluginUnavailable:
    told = str(error).strip().splitlines()
    why = told[0][:160].rstrip(".") if told else type(error).__name__
    return PluginUnavailable(f"{what} could not be fetched: {why}.", again)


def _page(entry: Entry) -> str:
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return f"{endpoint.rstrip('/')}/{entry.weight.repository}"
