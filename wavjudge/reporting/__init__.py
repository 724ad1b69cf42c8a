"""What people see: console tables and exported files. Takes records, gives text; knows nothing of run folders."""
