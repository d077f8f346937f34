"""What every stage's process does at its rim: settings in, logs and an exit code out."""
