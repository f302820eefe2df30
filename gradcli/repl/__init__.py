"""The REPL: lines typed on a terminal, run in one session.

shell.py is the prompt and the loop, running.py a line's run, snapshots.py what undo and a failed line put back,
interrupts.py Ctrl-C, record.py the script that `:save` writes, commands.py and settings.py what begins with a colon,
completion.py, words.py and keys.py the typing, history.py the lines of other days.
"""
