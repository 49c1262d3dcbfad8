"""Referrals: members bring friends, and both are rewarded once a friend counts."""
