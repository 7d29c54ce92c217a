"""How fast it is: the product beside others, on one corpus, with one set of questions."""
