"""The engine (trainer, step, parameters), and what stands around it (fit, data, callbacks)."""
