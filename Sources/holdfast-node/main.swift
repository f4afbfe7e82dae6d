import Node

await NodeProgram.main()
