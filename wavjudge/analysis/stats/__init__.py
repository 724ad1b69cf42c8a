"""Statistics: arrays in, records out. Nothing here knows a table, a file or a judge."""
