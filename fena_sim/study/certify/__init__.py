"""The same protocol on several devices, variable by variable."""
