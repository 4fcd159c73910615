"""What can be built: frozen values, which read and write nothing."""
