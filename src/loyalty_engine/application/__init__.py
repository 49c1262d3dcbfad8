"""The part that arranges: one file per use case, and the executor through which every change of state runs."""
