"""Where a recipe trains: the devices of a machine, and processes on one or several machines."""
