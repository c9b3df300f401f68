"""From declarations to Brian2 objects, mirroring declare/model/: one explicit Network, nothing collected by magic."""
