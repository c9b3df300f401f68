"""What a user writes: model, stimulus, protocol. Plain data with units, checked on construction; no Brian2 object, no file."""
