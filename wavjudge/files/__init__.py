"""Files from outside: paths that stay where they belong, and tables in whatever format they come."""
