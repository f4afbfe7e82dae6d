import Flags
import Glibc
import Simulation

exit(SimulationCommand.run(SimulationCommand.spec.parseOrExit()))
