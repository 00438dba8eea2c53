"""The database: where it lies, its tables, its migrations, its errors."""
