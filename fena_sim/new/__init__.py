"""Starting points: a model or a protocol of one's own."""
