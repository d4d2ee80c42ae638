"""Utilities, rates and customers that ptc, matrix and lineloss files share. All are invented."""
from typing import NamedTuple


class Tariff(NamedTuple):
    """A utility's rate. `matching` is the key by which an offer finds it; `level` in 0.00001 $/kWh."""

    state: str
    zone: str
    utility: str
    name: str
    rate: str
    segment: str
    matching: str
    level: int

    def common(self, iso: str, group: str, component: str) -> tuple[str, ...]:
        """The common eight labels."""
        return (iso.upper(), self.state, self.zone, self.zone, self.utility, "7x24", group, component)

    @property
    def profile(self) -> str:
        """The load profile of the segment: a customer type of the loadprofile files."""
        return PROFILES[self.segment]


PROFILES = {"Residential": "RES", "Small Commercial": "COM-S", "Large Commercial": "COM-L"}
RES, SMALL, LARGE = PROFILES

TARIFFS = {
    "ercot": (
        Tariff("TX", "NORTH ZONE", "LSP", "Lone Star Power", "Residential Standard", RES, "TX-LSP-R", 11210),
        Tariff("TX", "NORTH ZONE", "LSP", "Lone Star Power", "Residential Heating", RES, "TX-LSP-R", 10310),
        Tariff("TX", "HOUSTON ZONE", "BWE", "Bayou Wires & Energy", "GS-1, Secondary", SMALL, "TX-BWE-GS1", 10430),
        Tariff("TX", "SOUTH ZONE", "CGE", "Coastal Grid Electric", "LPL \"Primary\"", LARGE, "TX-CGE-LPL", 8920),
        Tariff("TX", "WEST ZONE", "PBP", "Permian Basin Power", "Time of Use", RES, "", 10120),
    ),
    "isone": (
        Tariff("CT", "CONNECTICUT", "CRL", "Clear River Light", "Rate 1 “Residential”", RES, "CT-CRL-1", 14210),
        Tariff("CT", "CONNECTICUT", "CRL", "Clear River Light", "Rate 30 – small C&I", SMALL, "CT-CRL-30", 13320),
        Tariff("MA", "SEMASS", "HPE", "Harbor Point Électric", "R-1 ‘Basic Service’", RES, "MA-HPE-R1", 15110),
        Tariff("MA", "WCMASS", "BSE", "Berkshire Slope", "G-2", LARGE, "", 12730),
        Tariff("NH", "NEWHAMPSHIRE", "GSU", "Granite Slope", "Customer’s Choice D", RES, "NH-GSU-D", 13880),
        Tariff("RI", "RHODEISLAND", "OBP", "Ocean Bay Power", "A-16", RES, "RI-OBP-A16", 14470),
    ),
    "miso": (
        Tariff("IL", "AMILCIPS", "PRE", "Prairie Electric", "DS-1", RES, "1001", 9120),
        Tariff("IL", "AMILIP", "PRE", "Prairie Electric", "DS-2", SMALL, "1002", 8810),
        Tariff("IL", "AMILIP", "PRE", "Prairie Electric", "DS-4", LARGE, "1004", 7430),
        Tariff("MI", "CONS", "LKP", "Lakeshore Power", "RS", RES, "MI-LKP-RS", 10640),
    ),
    "nyiso": (
        Tariff("NY", "ZONE A", "NFE", "Niagara Frontier Energy", "SC-1 “Residential”", RES, "M-0001", 9310),
        Tariff("NY", "ZONE C", "FLE", "Finger Lakes Electric", "SC-2", SMALL, "M-0002", 9770),
        Tariff("NY", "ZONE G", "HVL", "Hudson Vale Light", "SC-2; non-demand", SMALL, "", 11020),
        Tariff("NY", "ZONE J", "FBE", "Five Boroughs Electric", "SC-9", LARGE, "M-0009", 12640),
    ),
    "pjm": (
        Tariff("PA", "PECO", "KSP", "Keystone Power", "R", RES, "PA-KSP-R", 10530),
        Tariff("NJ", "PSEG", "GSE", "Garden Electric", "GLP", SMALL, "NJ-GSE-GLP", 11280),
        Tariff("NJ", "PSEG", "GSE", "Garden Electric", "RHS", RES, "NJ-GSE-RHS", 11910),
        Tariff("OH", "AEP", "BVP", "Buckeye Valley Power", "GS-2", LARGE, "OH-BVP-GS2", 7820),
    ),
}
