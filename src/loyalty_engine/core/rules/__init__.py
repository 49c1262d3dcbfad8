"""What rules can see of an order and a member, and conditions compiled to closures that explain themselves."""
