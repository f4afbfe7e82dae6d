import Admin
import Glibc

let code = await Holdfast.run(Array(CommandLine.arguments.dropFirst()), console: .standard)
exit(code)
