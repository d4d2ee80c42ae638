"""Standardized prices of a nonenergy file with pandas: what analysts would write themselves.

    standardize.py FILE ROUNDS OUTPUT

Reads a curve file, scales and converts capacity and transmission charges to $/MWh, derives one
7x24 series from block, weekday and peak series, and writes a wide CSV. Prints versions and the
median of the rounds in milliseconds, without the start of Python. Binary floats throughout, and
rounding half to even: that is what pandas does.
"""
import re
import statistics
import sys
import time

import numpy
import pandas

LABELS = [
    "Control Area", "State", "Load Zone", "Capacity Zone", "Utility", "Block Type", "Cost Group", "Cost Component",
]
PLACE = LABELS[:5]
PER_KW_MONTH = {"reactive supply value", "teac", "nits rate", "arr credit", "capacity charge"}
PER_MW_MONTH = {"black start charge"}
PEAK = re.compile(r"\b(on|off)[- ]?peak\b", re.IGNORECASE)


def hours_of(months):
    """Reference hours of each month, without holidays and clock changes."""
    days = months.days_in_month.to_numpy()
    weekend = numpy.array([sum((first.weekday() + day) % 7 >= 5 for day in range(n)) for first, n in zip(months, days)])
    week = days - weekend
    return pandas.DataFrame(
        {
            "5x16": 16 * week, "2x16": 16 * weekend, "7x8": 8 * days, "7x24": 24 * days, "wd": 24 * week,
            "we": 24 * weekend, "on": 16 * days, "off": 8 * days,
        },
        index=months,
    )


def standardize(path, output):
    raw = pandas.read_csv(path, header=None, dtype=str)
    labels = raw.iloc[: len(LABELS), 1:].T
    labels.columns = LABELS
    values = raw.iloc[len(LABELS) + 1 :]
    months = pandas.DatetimeIndex(pandas.to_datetime(values[0], format="%m/%d/%Y"))
    prices = values.iloc[:, 1:].astype(float).set_index(months)
    hours = hours_of(months)

    labels["Block Type"] = labels["Block Type"].str.lower()
    name = labels["Cost Component"].str.lower()
    peak = labels["Cost Component"].str.extract(PEAK, expand=True)[0].str.lower()
    labels["clean"] = labels["Cost Component"].str.replace(PEAK, "", regex=True).str.strip()

    scaler = {
        tuple(labels.loc[column, PLACE]): prices[column] for column in labels.index[name == "capacity scaling factor"]
    }
    out = {}
    for column in labels.index[(labels["Block Type"] == "7x24") & peak.isna() & (name != "capacity scaling factor")]:
        price, place = prices[column], tuple(labels.loc[column, PLACE])
        if name[column] == "capacity charge":
            price = price * scaler.get(place, 1.0)
        if name[column] in PER_KW_MONTH:
            price = price * 1000 / hours["7x24"]
        elif name[column] in PER_MW_MONTH:
            price = price / hours["7x24"]
        out[(*place, 0, "7x24", labels.loc[column, "Cost Group"], labels.loc[column, "Cost Component"])] = price

    weights = labels["Block Type"].where(peak.isna(), peak)
    members = labels[weights.isin(["5x16", "2x16", "7x8", "wd", "we", "on", "off"])]
    for key, group in members.groupby([*PLACE, "Cost Group", "clean"], sort=False):
        columns = list(group.index)
        total = sum(prices[column] * hours[weights[column]] for column in columns)
        out[(*key[:5], 1, "7x24", key[5], key[6])] = total / hours["7x24"]

    wide = pandas.DataFrame(out).sort_index(axis=1)
    wide.round(5).to_csv(output, float_format="%.5f")


def main():
    path, rounds, output = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        standardize(path, output)
        times.append((time.perf_counter() - begun) * 1000)
    python = ".".join(map(str, sys.version_info[:3]))
    print(f"pandas {pandas.__version__}, numpy {numpy.__version__}, Python {python}")
    print(f"{statistics.median(times):.3f}")


main()
