"""A store of products and packages that several machines share."""
