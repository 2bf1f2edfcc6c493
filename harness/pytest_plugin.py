"""The pytest plugin: scenario files as tests, and fixtures that break a stack from Python tests.

Importing this module loads pytest and the standard library alone; everything else is imported when it is used.
"""
