"""The front of the web process: reads requests on an event loop, under limits, and runs Django on bounded threads."""
