"""What is differentiated: families of problems, the workloads among them, and functions of the user's own."""
