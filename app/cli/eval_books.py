"""`anamnesis eval pool|judge-export|judge-import`: books of judgements in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from app.cli.eval_runs import comparable
from app.cli.output import print_json, stderr
from app.cli.tenant_books import store_tenant_book, tenant_book
from eval import benchmark as beir
from eval import judgements, trec
from eval.agreement import agreement
from eval.archive import LAB, Archive, Card
from eval.judgements import GRADES, Book, Judgement, of_qrels, pool
from eval.lines import numbered, written
from eval.run import gathered
from eval.shelf import Shelf
from indexing.errors import Conflict

BOOKS = "books"


def pool_command(
    home: Path,
    runs: Sequence[str],
    name: str,
    depth: int,
    guideline: Path | None,
    guideline_version: str,
    json_out: bool,
) -> int:
    """Make a book of what runs found; into a book that is there the new documents go."""
    archive, shelf = Archive(home / LAB), Shelf(home / LAB / BOOKS)
    cards = [archive.card(run) for run in runs]
    for card in cards:
        comparable(cards[0], card)
    topics, _ = archive.judged(cards[0].data_version)
    ranked = [gathered(c.ranker, list(archive.topics(c.run_id))).documents() for c in cards]
    pooled = pool(ranked, topics, depth)
    if missing := _keep_texts(archive, cards[0], {d for docs in pooled.values() for d in docs}):
        stderr.print(f"warning: missing-texts: {missing} pooled documents can be judged by title")
    text = guideline.read_text("utf-8") if guideline else ""
    book = Book(
        name, topics, pooled, tenant=cards[0].tenant, data_version=cards[0].data_version,
        guideline=text, guideline_version=guideline_version,
    )  # fmt: skip
    if shelf.has(name):
        book = _grown(shelf.open(name), book)
    shelf.keep(book)
    _tell(book, json_out)
    return 0


def _keep_texts(archive: Archive, card: Card, doc_ids: set[str]) -> int:
    """Keep what judges will read; return how many documents are not where the set was."""
    folder = Path(card.source)
    if not card.source or not folder.is_dir():
        return len(doc_ids)
    corpus, _ = beir.parts(folder)
    found = [(t.doc_id, _title(t), t.text) for t in corpus if t.doc_id in doc_ids]
    archive.keep_texts(card.data_version, found)
    return len(doc_ids) - len(found)


def _title(text: beir.Text) -> str:
    return " ".join((text.title or text.text[:160]).split())[:120]


def _grown(held: Book, more: Book) -> Book:
    if held.data_version != more.data_version:
        raise Conflict(f"the book {held.name!r} is of data {held.data_version}")
    both = {
        topic: (*held.pooled.get(topic, ()), *_new(held.pooled.get(topic, ()), docs))
        for topic, docs in more.pooled.items()
    }
    told = more if more.guideline else held  # a guideline keeps its own version
    return replace(
        more, pooled=both, judgements=held.judgements, guideline=told.guideline,
        guideline_version=told.guideline_version,
    )  # fmt: skip


def _new(held: Sequence[str], docs: Iterable[str]) -> list[str]:
    known = set(held)
    return [doc_id for doc_id in docs if doc_id not in known]


def export_command(
    home: Path, name: str, out: Path, form: str, json_out: bool, tenant: str = ""
) -> int:
    """Write a book, a tenant's where one is named: whole, or its grades as qrels."""
    book = tenant_book(home, tenant, name) if tenant else Shelf(home / LAB / BOOKS).open(name)
    if form == "book":
        judgements.write(book, out)
    elif form == "trec":
        trec.write_qrels(book.qrels(), out)
    else:
        with written(out) as file:
            file.write("query-id\tcorpus-id\tscore\n")
            for topic, judged in book.qrels().items():
                file.writelines(f"{topic}\t{d}\t{grade}\n" for d, grade in judged.items())
    if form != "book":
        _warn_of_lost(book)
    _tell(book, json_out)
    return 0


def _warn_of_lost(book: Book) -> None:
    """Name what qrels cannot hold: a mean over them leaves it out."""
    if lost := book.unjudged():
        stderr.print(f"warning: unjudged-documents: {lost} are in the book and not in this file")
    if lost := sum(not judged for judged in book.qrels().values()):
        stderr.print(f"warning: topics-without-grades: {lost} of the book are not in this file")


def import_command(
    home: Path, path: Path, name: str, judge: str, json_out: bool, tenant: str = ""
) -> int:
    """Take in a book, or qrels of either form into a book that is there, a tenant's where one is
    named."""
    shelf = Shelf(home / LAB / BOOKS)
    _, first = next(numbered(path), (0, ""))
    if not first.lstrip().startswith("{"):
        held = tenant_book(home, tenant, name) if tenant else shelf.open(name)
        book = held.with_judgements(_of_qrels(path, len(first.split("\t")), judge))
    else:
        book = judgements.read(path)
        book = replace(book, name=name) if name else book
        if not tenant and shelf.has(book.name):
            book = _united(shelf.open(book.name), book)
    if tenant:
        store_tenant_book(home, tenant, book)
    else:
        shelf.keep(book)
    _tell(book, json_out)
    return 0


def _of_qrels(path: Path, columns: int, judge: str) -> Iterator[Judgement]:
    qrels = beir.qrels_of(path) if columns == 3 else trec.read_qrels(path)
    if beyond := sum(g > max(GRADES) for judged in qrels.values() for g in judged.values()):
        stderr.print(f"warning: high-grades: {beyond} are above 3 and were taken for 3")
    return of_qrels(qrels, judge)


def agreement_command(home: Path, name: str, tenant: str, json_out: bool) -> int:
    """Print how far the judges of a book agree."""
    book = tenant_book(home, tenant, name) if tenant else Shelf(home / LAB / BOOKS).open(name)
    found = agreement((j.topic_id, j.doc_id, j.judge, j.grade) for j in book.judgements)
    if json_out:
        print_json(asdict(found))
        return 0
    print(", ".join(f"{judge} {n}" for judge, n in found.judges.items()) or "nobody has judged")
    if found.missing:
        stderr.print(f"agreement is not computed: pip install '{found.missing}'")
    for pair in found.pairs:
        print(
            f"{pair.one} and {pair.other}: {pair.n} both, {pair.same:.0%} the same, Cohen's kappa "
            f"{_known(pair.kappa)}, weighted {_known(pair.weighted)}"
        )
    if found.pairs:
        print(f"Krippendorff's alpha (ordinal) {_known(found.alpha)} over {found.shared} documents")
    return 0


def _known(value: float | None) -> str:
    return "undetermined" if value is None else f"{value:.3f}"


def _united(held: Book, more: Book) -> Book:
    """Put two books of the same topics together; the later word of a judge counts."""
    if dict(held.topics) != dict(more.topics):
        raise Conflict(f"there is a book {held.name!r} of other topics", hint="Give it --book.")
    words: dict[tuple[str, str, str], Judgement] = {}
    for each in (*held.judgements, *more.judgements):
        key = (each.topic_id, each.doc_id, each.judge)
        if key not in words or each.at >= words[key].at:
            words[key] = each
    grown = _grown(held, replace(more, data_version=held.data_version))
    return replace(grown, judgements=tuple(words.values()))


def _tell(book: Book, json_out: bool) -> None:
    result = {
        "book": book.name, "topics": len(book.topics),
        "pooled": sum(len(docs) for docs in book.pooled.values()),
        "judged": len(book.judgements), "unjudged": book.unjudged(),
        "without_hits": sum(not book.pooled.get(topic) for topic in book.topics),
    }  # fmt: skip
    if json_out:
        print_json(result)
    else:
        print(", ".join(f"{key.replace('_', ' ')} {value}" for key, value in result.items()))
