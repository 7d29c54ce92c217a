"""Names of a partition by their words: what the full-text index is asked, and how.

A word never reaches Lucene's parser as anything but a word: it comes from `tokens`, and whatever is
no letter or digit in it is escaped. Scores are not Lucene's: names are ranked by the weights that
the caller gives each word, so that an answer is the same as from postings in this process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from indexing.access import Access
from indexing.backends.neo4j.connect import Neo4j, Row
from indexing.backends.neo4j.schema import Partition
from indexing.model import TenantId
from indexing.ports import NameHit
from indexing.strays import own

LONGEST: Final = 100  # letters: the analyzer cuts a word at 255, and no name has one
_AT_ONCE: Final = 200  # words in one statement

_SPREAD = """
UNWIND $words AS word
CALL db.index.fulltext.queryNodes($index, word[1]) YIELD node AS n
MATCH (n:{label})
RETURN word[0] AS word, count(*) AS names
"""
_NAMED = """
UNWIND $words AS word
CALL db.index.fulltext.queryNodes($index, word[1]) YIELD node AS n
MATCH (n:{label})
WITH n, round(sum(word[2]), 9) AS score
ORDER BY score DESC, n.row LIMIT $k
RETURN n.tenant AS tenant, n.id AS id, n.row AS row, n.size AS size, score
ORDER BY score DESC, row
"""
_WORDS = "MATCH (n:{label}) UNWIND split(n.words, ' ') AS word RETURN DISTINCT word"
_TEXTS = "MATCH (n:{label}) RETURN n.text AS text"


def spread(
    server: Neo4j, access: Access, partition: Partition, words: Sequence[str]
) -> Mapping[str, int]:
    """Count the names that hold each of these words."""
    asked = [[word, term(word)] for word in words if _a_word(word)]
    rows: list[Row] = []
    for at in range(0, len(asked), _AT_ONCE):
        some = asked[at : at + _AT_ONCE]
        rows += _ask(server, access, _SPREAD, partition, words=some)
    return {row["word"]: row["names"] for row in rows}


def vocabulary(server: Neo4j, access: Access, partition: Partition) -> frozenset[str]:
    """Return every word of the names."""
    rows = _ask(server, access, _WORDS, partition)
    return frozenset(row["word"] for row in rows)


def named(
    server: Neo4j, access: Access, partition: Partition, weights: Mapping[str, float], k: int
) -> Sequence[NameHit]:
    """Rank names by the weights of the words that they hold; ties stand by row."""
    words = [[word, term(word), weight] for word, weight in weights.items() if _a_word(word)]
    if k < 1 or not words:
        return ()
    rows = _ask(server, access, _NAMED, partition, words=words, k=k)
    kept = own("neo4j", "names", access.tenant_id, rows, lambda row: row["tenant"])
    return [NameHit(row["id"], row["row"], row["size"], row["score"]) for row in kept]


def texts(server: Neo4j, partition: Partition, tenant_id: TenantId) -> Sequence[str]:
    """Return every name."""
    statement = _TEXTS.format(label=partition.names)
    rows = server.read(tenant_id, lambda tx: tx.run(statement))
    return [row["text"] for row in rows]


def term(word: str) -> str:
    """Return a word as Lucene's parser reads it back: nothing in it is an operator.

    Source: Lucene, package org.apache.lucene.queryparser.classic, "Escaping Special Characters";
    AND, OR and NOT are operators in capitals only, and lose that by an escaped first letter.
    """
    spelt = "".join(each if each.isalnum() else f"\\{each}" for each in word)
    return f"\\{spelt}" if word in ("AND", "OR", "NOT", "TO") else spelt


def _a_word(word: str) -> bool:
    return 0 < len(word) <= LONGEST


def _ask(
    server: Neo4j, access: Access, statement: str, partition: Partition, **values: object
) -> list[Row]:
    made = statement.format(label=partition.names)
    return server.ask(access.tenant_id, lambda tx: tx.run(made, index=partition.by_words, **values))
