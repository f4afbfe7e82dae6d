"""The table that bench/compare prints: figures by row and side, with median, spread, ratio, and what a yes means at each side."""

import datetime
import os
import platform
import statistics


class Table:
    def __init__(self):
        self.samples, self.order, self.promises = {}, [], {}

    def promise(self, side, text):
        """What a yes of this side means, in a few words; told beside each of its figures."""
        self.promises[side] = text

    def add(self, row, side, value):
        if row not in self.order:
            self.order.append(row)
        self.samples.setdefault((row, side), []).append(value)

    def median(self, row, side):
        values = self.samples.get((row, side))
        return statistics.median(values) if values else None

    def ratio(self, row, side="holdfast", other=None):
        mine, theirs = self.median(row, side), self.median(row, other)
        return mine / theirs if mine and theirs else None

    def sides(self, row):
        return [side for (each, side) in self.samples if each == row]

    def meaning(self, row, side):
        """What an answer of this side promises in this row: nothing where a row measures memory or recovery."""
        if row.startswith("GET ") and side.startswith("holdfast"):
            return "a copy, at most 250 ms old"
        if row.startswith(("bytes ", "records", "seconds ", "holds/s from")):
            return ""
        return self.promises.get(side, "")

    def text(self):
        lines = ["| what | side | a yes means | median | spread | Holdfast against it |",
                 "| --- | --- | --- | ---: | ---: | ---: |"]
        for row in self.order:
            for side in self.sides(row):
                values = sorted(self.samples[(row, side)])
                ratio = None if side.startswith("holdfast") else self.ratio(row, other=side)
                lines.append(
                    f"| {row} | {side} | {self.meaning(row, side)} | {short(statistics.median(values))} | "
                    f"{short(values[0])} to {short(values[-1])} | {'' if ratio is None else f'{ratio:.2f} ×'} |")
        return "\n".join(lines)

    def data(self):
        return {row: {side: {"median": self.median(row, side), "samples": self.samples[(row, side)]}
                      for side in self.sides(row)} for row in self.order}


def short(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine():
    """The machine's shape, in a line."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":")[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()} {'.'.join(platform.release().split('.')[:2])}"


def today():
    return str(datetime.date.today())
