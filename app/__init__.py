import os

# Every leg of a question has a thread of its own: a product of matrices that spreads over all cores
# takes theirs. Measured at 20,000 notes: p95 64 ms with its threads, 48 without. Read when numpy
# is loaded, so it stands before everything else; a site's own setting stays.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
