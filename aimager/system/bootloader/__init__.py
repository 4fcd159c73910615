"""Boot loaders: how each is put into the files of /boot."""
