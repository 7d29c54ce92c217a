"""What no definition table states: the rules of data types, references, narratives, bundles."""
