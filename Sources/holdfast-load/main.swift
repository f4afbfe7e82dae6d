import Flags
import Glibc
import Load

exit(LoadCommand.run(LoadCommand.spec.parseOrExit()))
