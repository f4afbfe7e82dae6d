"""The recovery drills, in the order in which docs/operations.md tells the steps."""

from . import drills_coordinators, drills_disks, drills_twins  # noqa: F401
from .drill_run import DRILLS, TABLE_HEAD, as_json, carry_out, table_row

_ORDER = [each.__name__ for each in (drills_disks, drills_coordinators, drills_twins)]
for _name in sorted(DRILLS, key=lambda name: _ORDER.index(DRILLS[name][0].__module__)):
    DRILLS[_name] = DRILLS.pop(_name)

SHORT = [name for name, (_, short, _, _) in DRILLS.items() if short]

__all__ = ["DRILLS", "SHORT", "TABLE_HEAD", "as_json", "carry_out", "table_row"]
