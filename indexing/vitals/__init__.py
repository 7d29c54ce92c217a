"""Series over time: vital signs and other streams of patients, models and trials."""
