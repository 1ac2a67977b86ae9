"""What to draw of a circuit: which gates, folded how, with which texts. Ends in plain coordinates.

From above to below: `fold` (and `repeats`) groups gates, `wiring` threads wires through the groups' frames,
`captions` and `gauges` say what is written, `measure` lays out, `stamp` draws.
"""
