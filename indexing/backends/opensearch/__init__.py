"""OpenSearch: full text and vectors, an index per tenant and port."""
