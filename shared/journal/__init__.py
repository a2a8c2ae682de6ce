"""The journal: what happened, in commit order, in the transaction in which it happened."""
