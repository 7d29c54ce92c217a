"""The reference engines: dicts and loops in this process, which pass every contract."""
