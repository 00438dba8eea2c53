"""For speed only: nothing here changes a result, and a reader of the algorithms may skip it."""
