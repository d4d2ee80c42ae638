"""The small correct files that the refused ones are made from."""
from ..cells import money, percent, plain
from ..curve import CurveFile
from ..dates import days, hours, months
from ..good.energy import energy_columns
from ..good.hourly import AUTUMN, load_columns, loss_columns, shape_columns
from ..good.lineloss import loss_rows
from ..good.matrix import PLACES, Offers
from ..good.nonenergy import Part, part_column
from ..good.ptc import ptc_columns
from ..good.rec import rec_column
from ..grid import Grid
from ..layouts import SINGLE, FlatFile, HourlyFile, MatrixFile
from ..model import CurveModel
from ..prices import steps

ENERGY, NONENERGY, REC = (
    "Energy_ERCOT_20240510_101010", "NonEnergy_ERCOT_20240510_101010", "REC_NYISO_20240510_101010",
)
PTC, MATRIX, LOADPROFILE = "PTC_PJM_20240510_101010", "Matrix_PJM_20240510_101010", "LoadProfile_PJM_20240510_101010"
SHAPING, VLR, LINELOSS = "Shaping_PJM_20240510_101010", "Vlr_ERCOT_20240510_101010", "LineLoss_NYISO_20240510_101010"
YEAR = months("2024-01", 12)
_PARTS = (("Reg Up", 4411), ("Reg Down", 3522), ("RRS", 6133), ("NSRS", 2744))


def base_grid(stem: str) -> Grid:
    """The good grid that the cases of a family start from: two to four value columns."""
    return base_file(stem).grid()


def base_file(stem: str) -> CurveModel:
    """A small correct file under any name."""
    family, iso = stem.lower().split("_")[:2]
    return _BASES[family](stem, iso)


def _energy(stem: str, iso: str) -> CurveFile:
    day = stem.split("_")[2]
    when = months(f"{day[:4]}-{day[4:6]}", 61)
    return CurveFile(stem, when, energy_columns(iso, when)[:4])


def _nonenergy(stem: str, iso: str) -> CurveFile:
    parts = [Part("Ancillaries", name, "$/MWh", level) for name, level in _PARTS]
    return CurveFile(stem, YEAR, [part_column(iso, part, YEAR, state="TX") for part in parts])


def _rec(stem: str, iso: str) -> CurveFile:
    share, price = steps("bad share", [511, 623], YEAR, 4), steps("bad price", [811, 922], YEAR)
    return CurveFile(stem, YEAR, [
        rec_column(iso, "NY", "RPS", "Class I", "Class I", "%", list(map(percent, share))),
        rec_column(iso, "NY", "RPS", "Class I Price", "Class I Price", "$/MWh", list(map(money, price))),
        rec_column(iso, "NY", "RPS", "Class II Price", "Class II Price", "$/MWh", list(map(money, price))),
    ])


def _ptc(stem: str, iso: str) -> CurveFile:
    return CurveFile(stem, YEAR, ptc_columns(iso, YEAR)[:4])


def _matrix(stem: str, iso: str) -> MatrixFile:
    return MatrixFile(stem, PLACES, Offers(iso, terms=(12,)).columns()[:4])


def _loadprofile(stem: str, iso: str) -> HourlyFile:
    places = hours(months("2024-05", 2))
    return HourlyFile(stem, places, load_columns(iso, places, 1))


def _shaping(stem: str, iso: str) -> HourlyFile:
    """Two days with the HE 25 that miso must not have."""
    places = hours(days("2024-11-02", 2), AUTUMN)
    return HourlyFile(stem, places, shape_columns(iso, places), header_word="Date")


def _vlr(stem: str, iso: str) -> HourlyFile:
    places = hours((1, 2))
    return HourlyFile(stem, places, loss_columns(iso, places, plain, "factor"))


def _lineloss(stem: str, iso: str) -> FlatFile:
    return FlatFile(stem, SINGLE, loss_rows(iso, percent, "%")[:5])


_BASES = {
    "energy": _energy, "nonenergy": _nonenergy, "rec": _rec, "ptc": _ptc, "matrix": _matrix,
    "loadprofile": _loadprofile, "shaping": _shaping, "vlr": _vlr, "lineloss": _lineloss,
}
