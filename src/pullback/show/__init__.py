"""Floor 7, show: pages and charts about circuits and runs. Nothing is computed or trained here."""
