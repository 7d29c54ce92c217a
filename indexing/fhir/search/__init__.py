"""FHIR search: R4 parameters as facts, the values of a resource, requests in their words."""
