"""What the layouts of section 7 differ in. A further family is a further row of `FAMILIES`."""
from dataclasses import dataclass
from typing import Optional

LOOKUP = "Lookup ID1"
MATCHING = "Matching ID"
BEGINNING = "Beginning Date"
FACTOR = "Line Loss Factor"
COMMON = (
    "Control Area", "State", "Load Zone", "Capacity Zone", "Utility", "Block Type", "Cost Group", "Cost Component",
)
ISOS = ("ercot", "isone", "miso", "nyiso", "pjm")


@dataclass(frozen=True)
class Family:
    """One layout."""

    isos: tuple[str, ...] = ISOS
    labels: tuple[str, ...] = COMMON  # required ones, in their usual order
    lookup: bool = True  # an optional lookup row usually stands above them
    header_word: str = "Month"
    has_state_row: bool = False
    has_sub_component: bool = False  # the caption is part of the key
    window: Optional[int] = None  # consecutive months from the file's own month, else unexpected_window
    band: Optional[tuple[int, int]] = None  # of $/MWh values, else out_of_band


# In the order in which an archive is processed.
FAMILIES = {
    "energy": Family(window=61, band=(0, 1000), has_sub_component=True),
    "nonenergy": Family(header_word="Date", has_sub_component=True),
    "rec": Family(("ercot", "isone", "nyiso", "pjm"), header_word="EY", has_state_row=True, has_sub_component=True),
    "ptc": Family(labels=(MATCHING, LOOKUP, *COMMON, "Utility Name", "Rate Class/Load Profile"), lookup=False),
    "matrix": Family(labels=(MATCHING, LOOKUP, BEGINNING, *COMMON, "Load Profile", "Term (Months)"), lookup=False),
    "loadprofile": Family(labels=(*COMMON, "Customer Type")),
    "shaping": Family(),
    "vlr": Family(),
    "lineloss": Family(lookup=False),
}
