"""OpenPGP signatures, as far as packages need them."""
