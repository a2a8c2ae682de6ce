"""The ways a message leaves the house; nothing outside this package speaks SMTP or SMS."""
