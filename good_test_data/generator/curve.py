"""Monthly files: energy, nonenergy, rec and ptc (sections 7.1 to 7.3)."""
from dataclasses import dataclass
from datetime import date

from .cells import Cell
from .dates import date_cell, index
from .grid import Grid
from .model import Column, CurveModel

__all__ = ["Column", "CurveFile"]


@dataclass
class CurveFile(CurveModel):
    """One row per month; the places are firsts of months."""

    state_row: bool = True

    def lead(self, place: date) -> list[Cell]:
        return [date_cell(place, self.date_form)]

    def header(self) -> Grid:
        rows = [self.captions(self.header_word or self.layout.header_word)]
        if self.layout.has_state_row and self.state_row:
            states = [self.label_cell(self._state(column) if column else "") for column in self.columns]
            rows.insert(0, self.row([self.label_cell(self.label(self.series[0][1], "State"))], states))
        return rows

    def _state(self, column: Column) -> str:
        return self.label(column, "State") if column.state_cell is None else column.state_cell

    def place_members(self, column: Column, place: date) -> dict[str, object]:
        return {"month": f"{place:%Y-%m}"}

    def contract_months(self) -> list[date]:
        return self.places

    def layout_warnings(self) -> dict[str, int]:
        order = list(map(index, self.places))
        consecutive = sorted(order) == list(range(min(order), min(order) + len(order)))
        day = self.operating_day[2]
        own, window = index(date(int(day[:4]), int(day[4:6]), 1)), self.layout.window
        return {
            "month_gap": not consecutive,
            "month_order": order != sorted(order),
            "unexpected_window": bool(window) and order != list(range(own, own + window)),
            "state_row_missing": self.layout.has_state_row and not self.state_row,
            "state_mismatch": sum(bool(column.state_cell) for _, column in self.series),
            "out_of_band": sum(self._out_of_band(column) for _, column in self.series),
        }

    def _out_of_band(self, column: Column) -> int:
        if not self.layout.band or column.unit != "$/MWh":
            return 0
        low, high = self.layout.band
        return sum(cell.stored is not None and not low <= cell.stored <= high for cell in column.cells)
