"""Floor 1, data: tables and data sets become arrays, or raise a `DataError` with the reason."""
