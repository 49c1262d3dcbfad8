"""What the API shows of the rows, one file per noun.

Everything here runs in a session that sees one program under row-level security, and names the program once more in
each statement, so that each net holds without the other. Lists are read from a key onwards, never by counting rows off.
"""
