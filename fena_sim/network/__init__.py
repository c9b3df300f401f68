"""From declarations to Brian2 objects, in the order of declare/model/: one explicit Network, in
which every object is listed.
"""
