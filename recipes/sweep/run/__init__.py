"""The runtime of a sweep: trials as run directories, on all cores, that survive being killed."""
