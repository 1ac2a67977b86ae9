"""Floor 10, the guide: the numbers printed in Karpathy's guide, computed and compared."""
