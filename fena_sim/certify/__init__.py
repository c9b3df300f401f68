"""The same protocol on several devices, variable by variable; and what a machine has for them."""
