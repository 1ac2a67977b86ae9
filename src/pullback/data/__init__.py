"""Floor 1, data: tables and data sets become arrays here, or a `DataError` says why not."""
