"""`anamnesis eval runs|report|compare|save|drop`: what the stored runs say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import orjson

from app.cli.output import print_json, stderr
from eval.archive import LAB, Archive, Card
from eval.compare import Difference, deltas, difference, holm
from eval.gate import said
from eval.lines import written
from eval.measures import HEADLINE, Figures, by_topic
from eval.report import (
    MOST_UNDER_A_LEG,
    ClassLine,
    by_class,
    classes_markdown,
    lines,
    markdown,
)
from eval.run import gathered
from indexing.errors import InvalidInput


def list_command(home: Path, json_out: bool) -> int:
    """Print the stored runs."""
    cards = Archive(home / LAB).cards()
    if json_out:
        print_json({"runs": [card.to_json() for card in cards]})
        return 0
    for card in cards:
        state = f"nDCG@10 {card.figures['nDCG@10']:.4f}" if card.finished else "broken off"
        name = f"  {card.name}" if card.name else ""
        print(f"{card.run_id}  {card.benchmark} {card.split}  {card.ranker:<8} {state}{name}")
    return 0


def report_command(home: Path, json_out: bool) -> int:
    """Print the table of quality as Markdown."""
    found = lines(Archive(home / LAB).cards())
    if json_out:
        print_json({"lines": [line.to_json() for line in found]})
        return 0
    if not found:
        stderr.print(
            "no finished run of the page's search is stored: `anamnesis eval run` makes one"
        )
    for row in markdown(found):
        print(row)
    for line in found:
        under = line.under_best_leg
        if under is not None and under > MOST_UNDER_A_LEG:
            print(f"\n{line.benchmark} {line.split}: hybrid is {under:.4f} under its best leg")
    return 0


def classes_command(home: Path, json_out: bool) -> int:
    """Print the table by kind of question; return 1 where hybrid lies under its best leg."""
    archive = Archive(home / LAB)
    found: list[ClassLine] = []
    for line in lines(archive.cards()):
        topics, _ = archive.judged(line.data_version)
        figures = {ranker: archive.figures(card.run_id) for ranker, card in line.runs.items()}
        found += by_class(line, topics, figures)
    under = [each for each in found if (each.under_best_leg or 0.0) > MOST_UNDER_A_LEG]
    if json_out:
        print_json({"lines": [each.to_json() for each in found]})
        return int(bool(under))
    if not found:
        stderr.print(
            "no finished run of the page's search is stored: `anamnesis eval run` makes one"
        )
    for row in classes_markdown(found):
        print(row)
    for each in under:
        print(
            f"\n{each.benchmark} {each.split}, {each.kind}: hybrid is {each.under_best_leg:.4f} "
            "under its best leg"
        )
    return int(bool(under))


def compare_command(
    home: Path, names: Sequence[str], metrics: Sequence[str], json_out: bool, *, topics: bool
) -> int:
    """Print each run beside the first."""
    if len(names) < 2:
        raise InvalidInput("to compare takes two runs: the first is the baseline")
    archive = Archive(home / LAB)
    wanted = list(metrics or HEADLINE)
    (base, base_figures), *others = [opened(archive, name, wanted) for name in names]
    found: list[tuple[Card, Difference]] = []
    for card, figures in others:
        comparable(base, card)
        found += [(card, difference(base_figures, figures, metric)) for metric in wanted]
    corrected = holm([each.p for _, each in found])
    table = [(c, replace(d, p_holm=p)) for (c, d), p in zip(found, corrected, strict=True)]
    if json_out:
        print_json(_as_json(base, base_figures, others, table, wanted[0], topics=topics))
        return 0
    print(f"baseline {base.label}: {base.benchmark} {base.split}, {base.ranker}{_judged(base)}")
    for card, each in table:
        print(f"{card.label:<24} {said(each)}, Holm {each.p_holm:.4f}{_judged(card)}")
    for card, figures in others if topics else ():
        print(f"\n{card.label}, {wanted[0]} by topic")
        for topic in sorted(deltas(base_figures, figures, wanted[0]), key=lambda t: t.delta):
            print(f"{topic.topic_id:<24} {topic.base:.4f} -> {topic.other:.4f} {topic.delta:+.4f}")
    return 0


def _judged(card: Card) -> str:
    share = card.figures.get("Judged@10")
    return "" if share is None else f", judged@10 {share:.2f}"


def _as_json(
    base: Card,
    base_figures: Mapping[str, Figures],
    others: Sequence[tuple[Card, Mapping[str, Figures]]],
    table: Sequence[tuple[Card, Difference]],
    metric: str,
    *,
    topics: bool,
) -> dict[str, object]:
    out: dict[str, object] = {
        "baseline": base.to_json(),
        "runs": [card.to_json() for card, _ in others],
        "differences": [{"run_id": card.run_id, **asdict(each)} for card, each in table],
    }
    if topics:
        out["topics"] = {
            card.run_id: [
                {**asdict(each), "delta": each.delta}
                for each in deltas(base_figures, figures, metric)
            ]
            for card, figures in others
        }
    return out


def opened(archive: Archive, name: str, metrics: Sequence[str]) -> tuple[Card, dict[str, Figures]]:
    """Open a stored run, or a file that `eval save` wrote, with these measures of its topics.

    Raises: NotFound, InvalidInput.
    """
    path = Path(name)
    if path.is_file():
        return _saved(path)
    card = archive.card(name)
    if not card.finished:
        raise InvalidInput(f"the run {card.label} was broken off", hint="Run it again: it goes on.")
    figures = archive.figures(card.run_id)
    if all(metric in values for values in figures.values() for metric in metrics):
        return card, figures
    _, qrels = archive.judged(card.data_version)
    ranked = gathered(card.ranker, list(archive.topics(card.run_id))).documents()
    return card, by_topic(qrels, ranked, list(metrics))


def comparable(base: Card, other: Card) -> None:
    """Refuse to compare figures of different data. Raises: InvalidInput."""
    if base.data_version != other.data_version:
        raise InvalidInput(
            f"{base.label} was taken on data {base.data_version}, {other.label} on "
            f"{other.data_version}: their figures are not comparable",
            hint="Measure both on the same corpus, topics and qrels.",
        )


def save_command(home: Path, name: str, out: Path, json_out: bool) -> int:
    """Write a run's card and its topics' figures."""
    archive = Archive(home / LAB)
    card = archive.card(name)
    figures = archive.figures(card.run_id)
    with written(out) as file:
        # A baseline may be committed: where the set lay on this machine is nobody's business.
        saved = {"card": replace(card, source="").to_json(), "topics": figures}
        file.write(orjson.dumps(saved, option=orjson.OPT_INDENT_2).decode() + "\n")
    if json_out:
        print_json({"run_id": card.run_id, "topics": len(figures)})
    return 0


def _saved(path: Path) -> tuple[Card, dict[str, Figures]]:
    try:
        found = orjson.loads(path.read_bytes())
        card = Card(**{k: v for k, v in found["card"].items() if k in Card.__slots__})
        return card, {str(t): dict(values) for t, values in found["topics"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidInput(f"{path.name} is no run that `eval save` wrote") from exc


def drop_command(home: Path, names: Sequence[str], json_out: bool) -> int:
    """Forget runs."""
    archive = Archive(home / LAB)
    cards = [archive.card(name) for name in names]
    for card in cards:
        archive.drop(card.run_id)
    if json_out:
        print_json({"dropped": [card.run_id for card in cards]})
    return 0
