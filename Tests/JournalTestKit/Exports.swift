// The directory in memory is the simulator's, too, and lives in the sources.
@_exported import MemoryDisk
