"""Points as a ledger: balances, postings, lots, and the book that keeps all three in step."""
