"""The fault matrix: for each row, a cluster under load, a fault, the healing, and the judge's verdict."""

from . import faults_disks, faults_identities, faults_network, faults_processes  # noqa: F401
from .fault_run import ROWS, carry_out, have

# In the order in which they are told: processes, identities, disks, network.
_ORDER = (faults_processes, faults_identities, faults_disks, faults_network)
for _name in sorted(ROWS, key=lambda name: [each.__name__ for each in _ORDER].index(ROWS[name][0].__module__)):
    ROWS[_name] = ROWS.pop(_name)

__all__ = ["ROWS", "carry_out", "have"]
