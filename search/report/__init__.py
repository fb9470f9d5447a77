"""What a person reads: findings and what follows from them, in tables, figures and sentences.

`drilled` writes a drill's report, `reports` that of a study too, by its name; `launched` and
`summary` end a command, `listing` is what `list` prints, `shown` what `show` does,
of one trial `trial`.
Behind the door: `advice`, `analysis`, `ended`, `figures`, `findings`, `leads`, `legends`, `page`,
`sentences`, `studied`, `tables`.
"""
