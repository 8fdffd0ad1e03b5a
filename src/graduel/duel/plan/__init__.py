"""What is duelled, on which rows, under which budget: decided before anything is fitted."""
