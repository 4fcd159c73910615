"""OpenPGP signatures, as far as packages need them.

Nothing that GnuPG refuses is accepted here. What is unknown, old or odd is therefore not skipped:
a certificate, a user id or a signature is not used if something that its owner may have said of it
cannot be judged, and a revocation that cannot be judged counts.
"""
