"""What is built for operators: nothing here runs in production."""
