"""Loading: recognising files, merging sources, reporting bad lines, versions."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cli.terminology import concepts_command, load_command
from app.settings import Settings
from app.wiring import Installation
from indexing.errors import ConfigurationError
from indexing.language.matcher import Matcher
from indexing.language.terminology import (
    EdgeKind,
    NameKind,
    SemanticType,
    load,
    open_terminology,
    store,
)
from indexing.language.terminology.compile import compile_facts
from indexing.language.terminology.facts import Facts
from indexing.language.terminology.sources import recognise

HPO = "id\tname\tparents\tobsolete\n" + "\n".join(
    [
        "HP:0000118\tPhenotypic abnormality\tHP:0000001\t0",
        "HP:0000360\tTinnitus\tHP:0000118\t0",
        "HP:0099999\tGreen ear\tHP:0000118\t0",
        "HP:0012828\tSevere\tHP:0012824\t0",
        "part_of\tpart of\t\t0",
        "HP:0000057\tgone\t\t1",
    ]
)
LAY = (
    "id\tlabel\tlayperson_synonym\nHP:0099999\tGreen ear\tEar like a leaf\n"
    "HP:0012828\tSevere\tQuite bad\n"
)
DO = (
    '"id"\t"label"\t"subClassOf"\n'
    '"DOID:1"\t"green ear disease"\t"disease"\n'
    '"DOID:4"\t"disease"\t\n'
    '"DOID:10763"\t"hypertension"\t"disease"\n'
)
XREF = (
    '"id"\t"label"\t"xref"\n"DOID:1"\t"green ear disease"\t"MESH:D099999"\n'
    '"DOID:1"\t"green ear disease"\t"SNOMEDCT_US_2025_09_01:999001"\n'
)
NODES = (
    "id\tname\tkind\nSymptom::D099999\tEar, Green\tSymptom\nGene::1\tWAS\tGene\n"
    "Compound::DB1\tEarclear\tCompound\nDisease::DOID:1\tgreen ear disease\tDisease\n"
)
EDGES = "source\tmetaedge\ttarget\tlicense\nCompound::DB1\tCtD\tDisease::DOID:1\tCC BY-NC 4.0\n"
HPOA = (
    "#description: HPO annotations\n#DatabaseID\tDiseaseName\n"
    "OMIM:1\tLeaf syndrome; LEAFS\t\tHP:0099999\tx\tIEA\t\t3/4\t\t\tP\tx\n"
    "OMIM:1\tLeaf syndrome\tNOT\tHP:0000360\tx\tIEA\t\t\t\t\tP\tx\n"
)
OBO = """format-version: 1.2

[Term]
id: DOID:1
name: green ear disease
synonym: "verdant ear (disorder)" EXACT []
synonym: "GED" EXACT OMO:0003012 []
synonym: "all ear trouble" BROAD []
def: "An ear disease that is green." [url:x]
is_a: DOID:4 ! disease

[Term]
id: DOID:9
name: old thing
is_obsolete: true
"""
AXIOMS = (
    "ID\tLABEL\tSubClass Of [ANON]\n"
    "DOID:1\tgreen ear disease\t'has symptom' some fever|'disease has location' some ear\n"
)
ABBREVIATIONS = "\n".join(
    json.dumps(row)
    for row in (
        {"source": "a", "short": "gre", "long": "green ear", "freq": 0.9},
        {"source": "a", "short": "gre", "long": "graduate record exam", "freq": 0.1},
    )
)
FILES = {
    "hpo.tsv": HPO,
    "lay.tsv": LAY,
    "do.tsv": DO,
    "xref.tsv": XREF,
    "nodes.tsv": NODES,
    "edges.tsv": EDGES,
    "phenotype.hpoa": HPOA,
    "do.obo": OBO,
    "axioms.tsv": AXIOMS,
    "abbreviations.jsonl": ABBREVIATIONS,
}


def write(folder: Path, names: list[str]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(FILES[name], "utf-8")
    return [folder / name for name in names]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    report = load(home, write(home / "in", list(FILES)))
    assert not report.rejects
    return home


def test_a_lay_name_makes_no_finding_of_what_only_qualifies_one(tmp_path: Path) -> None:
    load(tmp_path / "home", write(tmp_path / "files", ["hpo.tsv", "lay.tsv"]))
    terminology = open_terminology(tmp_path / "home")
    assert terminology.concept("HP:0012828").semantic_type is SemanticType.OTHER
    found = Matcher(terminology).find("Severe green ear, quite bad.")
    assert "HP:0012828" not in {span.concept_id for span in found}


def test_one_concept_from_many_sources(home: Path) -> None:
    terminology = open_terminology(home)
    (tinnitus,) = terminology.by_code("HP", "0000360")
    assert tinnitus == "anm:tinnitus"
    assert terminology.by_code("DOID", "10763") == ("anm:hypertension",)
    (green,) = terminology.by_code("DOID", "1")
    assert terminology.by_code("MESH", "D099999")[0] == green
    assert terminology.by_code("SNOMED", "999001") == (green,)
    assert terminology.concept(green).definition == "An ear disease that is green."
    texts = {(n.text, n.kind) for n in terminology.names(green)}
    assert ("verdant ear", NameKind.SYNONYM) in texts
    assert ("GED", NameKind.ABBREVIATION) in texts
    assert "all ear trouble" not in {text for text, _ in texts}


def test_edges_of_every_source(home: Path) -> None:
    terminology = open_terminology(home)
    (green,) = terminology.by_code("DOID", "1")
    edges = {(e.kind, e.other, e.licence) for e in terminology.edges(green)}
    assert (EdgeKind.TREATS, "DRUGBANK:DB1", "CC BY-NC 4.0") in edges
    assert (EdgeKind.PRESENTS, "anm:fever", "") in edges
    assert (EdgeKind.LOCATED_IN, "anm:ear", "") in edges
    assert (EdgeKind.IS_A, "DOID:4", "") in edges
    (leaf,) = terminology.find("Leaf syndrome")
    presents = terminology.edges(leaf, [EdgeKind.PRESENTS])
    assert [(round(e.weight, 2), e.inverse) for e in presents] == [(0.75, False)]


def test_matching_what_was_loaded(home: Path) -> None:
    matcher = Matcher(open_terminology(home))
    text = "An ear like a leaf. GRE noted. It was severe; the WAS gene. Verdant ears."
    found = [text[s.start : s.end] for s in matcher.find(text)]
    assert "ear like a leaf" in found
    assert "GRE" in found
    assert "WAS" in found
    assert "Verdant ears" in found
    assert not {"was", "severe"} & set(found)


@pytest.mark.slow
def test_the_order_of_loading_does_not_count(tmp_path: Path) -> None:
    names = ["hpo.tsv", "lay.tsv", "nodes.tsv"]
    together = load(tmp_path / "a", write(tmp_path / "in", names))
    load(tmp_path / "b", write(tmp_path / "in", names[:0:-1]))
    apart = load(tmp_path / "b", write(tmp_path / "in", names[:1]))
    assert together.version == apart.version != open_terminology().version
    left, right = open_terminology(tmp_path / "a"), open_terminology(tmp_path / "b")
    assert list(left.concept_ids()) == list(right.concept_ids())
    assert left.compiled.lexicon.patterns == right.compiled.lexicon.patterns


@given(st.permutations(range(6)))
@settings(max_examples=30, deadline=None)
def test_merging_does_not_depend_on_the_order_of_facts(order: list[int]) -> None:
    rows = [
        Facts(terms=[("HP:1", "Green ear", SemanticType.FINDING)], xrefs=[("HP:1", "MESH", "D1")]),
        Facts(terms=[("HP:2", "Leaf ear", SemanticType.FINDING)], xrefs=[("HP:2", "MESH", "D1")]),
        Facts(terms=[("DOID:1", "leaf ear", SemanticType.DISORDER)]),
        Facts(terms=[("MESH:D1", "Ear, Green", SemanticType.SYMPTOM)]),
        Facts(terms=[("ENTREZ:1", "LEAF", SemanticType.GENE)]),
        Facts(names=[("DOID:1", "green ear", NameKind.SYNONYM)]),
    ]
    facts = Facts()
    for number in order:
        facts.extend(rows[number])
    compiled = compile_facts(facts, "v")
    assert compiled.ids == ["ENTREZ:1", "HP:1", "HP:2"]
    assert compiled.codes[2] == ["DOID:1", "HP:2", "MESH:D1"]


def test_gzip_and_again_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is compiled for it."""
    plain = load(tmp_path, write(tmp_path / "in", ["hpo.tsv"]))
    packed = tmp_path / "other.bin"
    packed.write_bytes(gzip.compress(HPO.encode()))
    monkeypatch.setattr(store, "compile_facts", lambda *_: pytest.fail("compiled again"))
    again = load(tmp_path, [packed])
    assert replace(again, files={}) == replace(plain, files={})
    assert open_terminology(tmp_path).find("green ear")


def test_bad_lines_are_reported_and_the_rest_lands(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tsv"
    bad.write_bytes(HPO.encode() + b"\nHP:7\n\xff\xfe\t\t\t\nHP:0088888\tBlue ear\tHP:0000118\t0\n")
    report = load(tmp_path / "home", [bad])
    assert [reject.rsplit(":", 1)[0] for reject in report.rejects] == [f"{bad}:8", f"{bad}:9"]
    assert open_terminology(tmp_path / "home").find("blue ears") == ("HP:0088888",)
    assert load_command(tmp_path / "home", [bad], None, True) == 1


def test_a_broken_gzip_is_a_reject(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gz"
    rows = "\n".join(f"HP:{i:07}\tx {i}\t\t0" for i in range(900))
    whole = gzip.compress(f"{HPO}\n{rows}".encode())
    broken.write_bytes(whole[: len(whole) // 2])
    report = load(tmp_path / "home", [broken])
    assert len(report.rejects) == 1


def test_an_unknown_header_loads_nothing(tmp_path: Path) -> None:
    strange = tmp_path / "strange.csv"
    strange.write_text("a,b,c\n1,2,3\n")
    good = write(tmp_path / "in", ["hpo.tsv"])
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "home", [*good, strange])
    assert "hpo-terms" in caught.value.hint
    assert not (tmp_path / "home" / "terminology" / "current").exists()
    assert load(tmp_path / "home", [strange], "hpo-terms").rejects
    with pytest.raises(ConfigurationError):
        load(tmp_path / "home", good, "no-such-format")


RRF = "C0000001|ENG|P|L1|PF|S1|Y|A1||M1|1|{sab}|PT|{code}|{name}|0|N||\n"
RF2 = "id\teffectiveTime\tactive\tmoduleId\t"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (RRF.format(sab="SNOMEDCT_US", code="1", name="x"), "umls-conso"),
        ("C0000001|A1|AUI|PAR|C0000002|A2|AUI|inverse_isa|R1||MSH|MSH|||N||\n", "umls-rel"),
        ("C0000001|T047|B2|Disease|AT1||\n", "umls-sty"),
        (RF2 + "definitionStatusId\n", "snomed-concepts"),
        (
            RF2 + "conceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n",
            "snomed-descriptions",
        ),
        (RF2 + "sourceId\tdestinationId\trelationshipGroup\ttypeId\n", "snomed-relationships"),
        ("ncbi_gene_id\tgene_symbol\thpo_id\thpo_name\n", "hpo-genes"),
        ("database_id\tdisease_name\tqualifier\thpo_id\n", "hpo-annotations"),
    ],
)
def test_release_files_are_known_by_their_shape(tmp_path: Path, line: str, name: str) -> None:
    path = tmp_path / "file"
    path.write_text(line)
    assert recognise(path) == name


def test_umls_and_snomed_from_the_sites_own_copy(tmp_path: Path) -> None:
    files = {
        "MRCONSO.RRF": RRF.format(sab="SNOMEDCT_US", code="777", name="Purple ear"),
        "MRSTY.RRF": "C0000001|T047|B2|Disease or Syndrome|AT1||\n",
        "concept.txt": RF2 + "definitionStatusId\n888\t2020\t0\t1\t1\n777\t2020\t1\t1\t1\n",
        "description.txt": RF2
        + "conceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n"
        + "1\t2020\t1\t1\t777\ten\t900000000000003001\tPurple ear (disorder)\t1\n"
        + "2\t2020\t1\t1\t777\ten\t900000000000013009\tViolet ear\t1\n"
        + "3\t2020\t1\t1\t888\ten\t900000000000003001\tOld ear (disorder)\t1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    report = load(tmp_path / "home", [tmp_path / name for name in files])
    assert not report.rejects
    terminology = open_terminology(tmp_path / "home")
    assert terminology.find("violet ears") == terminology.find("purple ear") == ("SNOMED:777",)
    assert terminology.by_code("UMLS", "C0000001") == ("SNOMED:777",)
    assert terminology.find("old ear") == ()


def test_concepts_on_the_command_line(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.terminology._GROW_S", 0.0)  # by name alone
    installation = Installation(Settings(home=home))
    assert concepts_command(installation, "high blood pressure", "cardiology", None, True) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["concepts"][0]["name"] == "hypertension"
    assert answer["concepts"][0]["score"] == 1.0
    with pytest.raises(ConfigurationError):
        concepts_command(installation, "x", "astrology", None, True)


def test_every_public_file_is_recognised(shared_data: Path) -> None:
    folder = shared_data / "terminology"
    paths = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".md"]
    formats = {path.name: recognise(path) for path in paths}
    assert len(formats) == len(paths) >= 20


@pytest.mark.slow
def test_the_public_files_load_whole(shared_data: Path, tmp_path: Path) -> None:
    report = load(tmp_path, [shared_data / "terminology"])
    assert not report.rejects
    terminology = open_terminology(tmp_path)
    assert report.names > 100_000
    tinnitus = terminology.find("ringing in the ears")
    assert terminology.by_code("HP", "0000360") == tinnitus
    assert terminology.by_code("SYMP", "0000393") == tinnitus


def _versions(home: Path) -> set[str]:
    return {p.name for p in (home / "terminology").iterdir() if p.is_dir()} - {"sources"}


def test_a_new_seed_waits_for_the_next_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(tmp_path, write(tmp_path / "in", ["hpo.tsv"])).version
    assert not store.outdated(tmp_path)
    monkeypatch.setattr(store.seed, "digest", lambda: "of the next release")
    monkeypatch.setattr(store, "_open", {})
    with monkeypatch.context() as patched:
        patched.setattr(store, "compile_facts", lambda *_: pytest.fail("compiled at start"))
        assert open_terminology(tmp_path).version == loaded
    assert store.outdated(tmp_path)
    again = load(tmp_path, []).version
    assert open_terminology(tmp_path).version == again != loaded
    assert open_terminology(tmp_path).find("green ear")
    assert not store.outdated(tmp_path)


@pytest.mark.slow
def test_one_older_version_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_terminology(tmp_path)
    files = write(tmp_path / "in", ["hpo.tsv", "lay.tsv", "do.tsv"])
    (tmp_path / "terminology" / ".building-killed").mkdir()
    os.utime(tmp_path / "terminology" / ".building-killed", (0, 0))  # long ago
    _, second, third = (load(tmp_path, [file]).version for file in files)
    assert _versions(tmp_path) == {second, third}
    assert load(tmp_path, []).version == third
    assert _versions(tmp_path) == {second, third}


def test_a_snapshot_of_another_format_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, write(tmp_path / "in", ["hpo.tsv"]))
    monkeypatch.setattr(store.snapshots, "FORMAT", store.snapshots.FORMAT + 1)
    monkeypatch.setattr(store, "_open", {})
    assert open_terminology(tmp_path).find("green ear")
    version = (tmp_path / "terminology" / "current").read_text()
    assert open_terminology(tmp_path).version == version
    assert store.snapshots.read(tmp_path / "terminology" / version)
