"""The best network of a training as a person that the generator finds, with a card."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lipsync_core import __version__
from lipsync_core.people import store
from lipsync_core.people.card import Card
from lipsync_synctalk2d.persons import NETWORK
from lipsync_synctalk2d.spec import GENERATORS, NO_TERMS

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.people.store import Person
    from lipsync_synctalk2d.training.request import TrainRequest

SHEET = "sheet.png"


def publish(
    request: TrainRequest,
    footage: str,
    epochs: int,
    figures: dict[str, float],
    network: Path,
    sheet: Path,
) -> Person:
    """Keep the person, in place of an earlier state of the same training.

    Args:
        request: what was trained.
        footage: what it was trained on, in words.
        epochs: how many the network has seen.
        figures: held-out ones.
        network: a plain state dict in fp32.
        sheet: picture of held-out moments.
    """
    licence = request.licence
    if request.features == "ave":
        licence += f"; uses features of the AVE encoder, whose terms are: {NO_TERMS}"
    card = Card(
        name=request.name,
        generator=GENERATORS[request.side].name,
        variant=f"{request.side} pixels" + (f", 1/{request.thin} wide" if request.thin > 1 else ""),
        features=request.features,
        epochs=epochs,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        licence=licence,
        consent=request.consent,
        footage=footage,
        figures={name: round(value, 4) for name, value in figures.items()},
        settings={
            "batch": request.batch,
            "sync_epochs": request.sync_epochs,
            "sync_weight": request.sync_weight,
            "seed": request.seed,
            "offset_ms": request.offset_ms,
            "lipsync": __version__,
        },
    )
    return store.save(card, {NETWORK: network, SHEET: sheet})
