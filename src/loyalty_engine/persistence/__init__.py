"""The part that remembers: PostgreSQL tables, the gather and record statements, and the stores around them."""
