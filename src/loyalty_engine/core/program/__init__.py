"""The rule document: the one definition of a program, its static checks and its content-hashed parts."""
