"""Floor 10, the guide: its promises, computed; what it prints beside what is true."""
