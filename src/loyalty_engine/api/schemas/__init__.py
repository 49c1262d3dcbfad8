"""What travels over HTTP: one file per noun, requests and answers."""
