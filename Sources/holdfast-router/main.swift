import Router

await RouterProgram.main()
