"""What a person reads: findings and what follows from them, in tables, figures and sentences.

`drilled` writes a drill's report, `launched` and `summary` end a command, `listing` is what `list`
prints, `shown` what `show` does.
Behind the door: `advice`, `analysis`, `figures`, `findings`, `leads`, `legends`, `sentences`,
`tables`.
"""
