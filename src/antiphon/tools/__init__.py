"""What Claude can ask to be run: plain values, and a box that runs them without letting them do harm."""
