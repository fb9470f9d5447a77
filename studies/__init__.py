"""Studies that can be launched by name, as data; see README."""
