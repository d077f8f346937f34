"""The audit trail: who asked what, what was answered, and what callers say of the answers."""
