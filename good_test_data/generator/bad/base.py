"""The small correct files that the refused ones are made from."""
from ..cells import money, percent
from ..curve import CurveFile
from ..dates import months
from ..good.energy import energy_columns
from ..good.nonenergy import Part, part_column
from ..good.rec import rec_column
from ..grid import Grid
from ..model import CurveModel
from ..prices import steps

ENERGY, NONENERGY, REC = (
    "Energy_ERCOT_20240510_101010", "NonEnergy_ERCOT_20240510_101010", "REC_NYISO_20240510_101010",
)


def base_grid(stem: str) -> Grid:
    """The good grid that the cases of a family start from: four (rec: three) columns."""
    return base_file(stem).grid()


def base_file(stem: str) -> CurveFile:
    """A small correct file under any name of the three families."""
    family, iso = stem.lower().split("_")[:2]
    year = months("2024-01", 12)
    if family == "energy":
        when = months(f"{stem.split('_')[2][:4]}-{stem.split('_')[2][4:6]}", 61)
        return CurveFile(stem, when, energy_columns(iso, when)[:4])
    if family == "rec":
        share, price = steps("bad share", [511, 623], year, 4), steps("bad price", [811, 922], year)
        columns = [
            rec_column(iso, "NY", "RPS", "Class I", "Class I", "%", list(map(percent, share))),
            rec_column(iso, "NY", "RPS", "Class I Price", "Class I Price", "$/MWh", list(map(money, price))),
            rec_column(iso, "NY", "RPS", "Class II Price", "Class II Price", "$/MWh", list(map(money, price))),
        ]
        return CurveFile(stem, year, columns)
    parts = [Part("Ancillaries", name, "$/MWh", level) for name, level in _PARTS]
    return CurveFile(stem, year, [part_column(iso, part, year, state="TX") for part in parts])


_PARTS = (("Reg Up", 4411), ("Reg Down", 3522), ("RRS", 6133), ("NSRS", 2744))
