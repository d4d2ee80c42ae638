"""File names that must be refused (section 2). All carry the bytes of NAME_FILE, a correct curve."""
from ..families import FAMILIES
from .base import ENERGY, NONENERGY
from .case import Case

NAME_FILE = "name.csv"
BAD_NAMES = (
    ("NonEnergy_ERCOT_20240510.csv", "time"),
    ("NonEnergy_ERCOT_20240510_1010.csv", "time"),
    ("NonEnergy_ERCOT_20240510_246060.csv", "time"),
    ("NonEnergy_ERCOT_240510_101010.csv", "date"),
    ("NonEnergy_ERCOT_20240230_101010.csv", "date"),
    ("NonEnergy_ERCOT_19990510_101010.csv", "date"),
    ("NonEnergy_ERCOT_20991231_101010.csv", "date"),
    (f"{NONENERGY}.txt", "extension"),
    (f"{NONENERGY}.xls", "extension"),
    (NONENERGY, "extension"),
    (f"{NONENERGY} (1).csv", "suffix"),
    (f"{NONENERGY}_final.csv", "suffix"),
    (f"{ENERGY}_cobalt.csv", "suffix"),
    (f"{ENERGY}_cob_v2.csv", "suffix"),
    ("Prices_ERCOT_20240510_101010.csv", "family"),
    (f" {NONENERGY}.csv", "family"),
    ("NonEnergy_12_20240510_101010.csv", "iso"),
    (f"../{NONENERGY}.csv", "path"),
    (f"curves/{NONENERGY}.csv", "path"),
    (f"C:\\curves\\{NONENERGY}.csv", "path"),
    (f"{NONENERGY}..csv", "path"),
    (f"{NONENERGY}\t.csv", "path"),
)
LEGACY_NAMES = (
    "ForwardCurve_ERCOT_20240510.csv", "AncillaryData_PJM_20240510_101010.csv",
    "AncillaryDataDetails_PJM_20240510_101010.csv", "Capacity_NYISO_20240510_101010.csv",
    "REC_ERCOT_7x24_20240510_101010.csv", "REC_PJM_7x25_20240510_101010.csv",
    "PJM_Capacity_20240510_101010.csv", "NYISO_RPS_20240510_101010.csv", "ERCOT_LF_20240510_101010.csv",
    "REC_Update_Tool_20240510.xlsx", "EXTERNAL_curves_20240510.csv", "20240510_Some_PTC_File.csv",
)
UNSUPPORTED_NAMES = (
    "REC_MISO_20240510_101010.csv", "Energy_CAISO_20240510_101010.csv", "NonEnergy_SPP_20240510_101010.csv",
)
COB_NAMES = tuple(f"{family}_PJM_20240510_101010_cob.csv" for family in FAMILIES if family != "energy")
NAMES: list[Case] = [
    *(
        Case(NAME_FILE, "bad_filename", upload_as=name, more={"part": part},
             note="more than 24 h ahead of the clock" if "2099" in name else None)
        for name, part in BAD_NAMES
    ),
    *(Case(NAME_FILE, "legacy_format", upload_as=name) for name in LEGACY_NAMES),
    *(Case(NAME_FILE, "unsupported_area", upload_as=name) for name in UNSUPPORTED_NAMES),
    *(Case(NAME_FILE, "cob_not_applicable", upload_as=name) for name in COB_NAMES),
]
