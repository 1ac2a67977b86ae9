"""Long circuits of single numbers: thousands to millions of gates, word by word."""
