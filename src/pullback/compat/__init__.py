"""Floor 10, compat: other libraries' names on our engine, so that their scripts run as they are."""
