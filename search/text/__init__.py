"""How things are written: Markdown and its HTML, numbers in words, tables for a terminal, and what
to type next.

Every room that speaks to a person uses it; it knows configs, and nothing of studies or drills.
"""
