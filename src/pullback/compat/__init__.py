"""Floor 10, compat: interfaces of other libraries on pullback's engine; their scripts run unchanged."""
