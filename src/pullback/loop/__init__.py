"""Floor 4, loop: the training loop. It uses executors; `f.fit` and `Training` use it."""
