"""What the visitor's and the admin's routes share."""
