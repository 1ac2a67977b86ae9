"""Floor 7, show: pages about circuits and runs. They show what others found out; nothing is trained here."""
