"""The experiments of other people's write-ups beside our own runs of the same recipes.

Which runs count, which are missing, what both come to, and the page that says so.
"""
