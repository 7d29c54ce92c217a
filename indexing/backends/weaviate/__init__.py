"""Weaviate: vectors and full text, a shard per tenant."""
