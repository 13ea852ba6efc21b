"""Capture: the process that stands in front of the gateway, passes every call through untouched, and records it."""
