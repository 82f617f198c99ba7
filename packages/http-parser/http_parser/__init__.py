"""The part of http-parser's interface that pymesos uses, on httptools."""
