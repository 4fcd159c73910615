"""Mirrors, databases, locks, downloads and keys: pacman's world."""
