"""Where to put what: a layered layout for circuits, left to right, with ports in argument order.

Knows boxes, ports and nets, and nothing of gates or text. The same input gives the same coordinates,
always: no hashing order, no randomness, no recursion.
"""
