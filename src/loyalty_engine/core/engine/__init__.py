"""Where everything meets: facts and a request go in, a decision with the exact rows to write comes out."""
