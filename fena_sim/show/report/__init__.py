"""A page to send to a colleague: the protocol, the model, and the results."""
