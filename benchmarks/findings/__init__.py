"""What timings say, as data."""
