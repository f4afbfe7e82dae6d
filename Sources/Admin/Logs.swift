internal import Flags

/// `holdfast log verify` and `log dump`.
let logCommands: [Command] = []
