"""Splitting: which resource each entry is, what its references become, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.fhir.bundle import Entry, Submission, read_submission, relink
from indexing.fhir.faults import Rejected, Unusable
from indexing.fhir.reference import Target, parse_reference, valid_id

UUID = "61743a71-05b3-455d-802f-c379ffc65b40"
URN = f"urn:uuid:{UUID}"


def bundle(kind: str, *entries: dict[str, Any]) -> Submission:
    body = {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
    return read_submission(json.dumps(body).encode(), file="b.json")


def post(resource: dict[str, Any], full_url: str = "") -> dict[str, Any]:
    entry: dict[str, Any] = {"resource": resource}
    if full_url:
        entry["fullUrl"] = full_url
    return entry | {"request": {"method": "POST", "url": resource.get("resourceType", "")}}


def entries(submission: Submission) -> list[Entry]:
    found = list(submission)
    assert all(isinstance(item, Entry) for item in found), found
    return [item for item in found if isinstance(item, Entry)]


def refused(submission: Submission) -> list[Rejected]:
    return [item for item in submission if isinstance(item, Rejected)]


def test_the_exact_bytes_of_each_resource_are_kept() -> None:
    one = b'{ "resourceType":"Patient",\n "id" : "a", "x": 1.10 }'
    two = b'{"resourceType":"Observation","id":"b","valueDecimal":0.0100}'
    text = b'\xef\xbb\xbf {"resourceType":"Bundle","type":"batch","entry":[{"resource": %s ,'
    text += b'"fullUrl":"urn:x"},\n{"fullUrl":"urn:y","resource":%s}]}\n'
    found = entries(read_submission(text % (one, two)))
    assert [entry.received for entry in found] == [one, two]
    assert str(found[1].resource["valueDecimal"]) == "0.0100"


@pytest.mark.parametrize(
    ("kind", "atomic"),
    [("transaction", True), ("Transaction", True), ("TRANSACTION", True), ("batch", False),
     ("", False)],
)  # fmt: skip
def test_a_transaction_is_one_however_it_is_spelled(kind: str, atomic: bool) -> None:
    assert bundle(kind, post({"resourceType": "Patient"})).atomic is atomic


def test_a_bundle_that_is_a_resource_is_one_whose_references_stay() -> None:
    about = {"resourceType": "Condition", "subject": {"reference": URN}}
    search = {"resourceType": "Condition", "subject": {"reference": "Patient?identifier=s|v"}}
    body = {"resourceType": "Bundle", "id": "b", "type": "collection", "entry": [
        {"fullUrl": URN, "resource": {"resourceType": "Patient"}}, {"resource": about},
        {"resource": search},
    ]}  # fmt: skip
    text = json.dumps(body).encode()
    [kept] = entries(read_submission(text, request={}))
    assert (kept.resource_type, kept.resource_id, kept.received) == ("Bundle", "b", text)
    assert (kept.links, kept.conditional, kept.issues) == ({}, (), ())
    assert [each.resource_type for each in entries(read_submission(text))] == [
        "Patient", "Condition", "Condition",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["batch", "collection", "transaction", "searchset", ""])
def test_an_entry_that_is_no_object_keeps_the_others_from_nothing(kind: str) -> None:
    one, two = b'{"resourceType":"Patient","id":"a"}', b'{"resourceType":"Patient","id":"b"}'
    body = b'{"entry":[null,{"resource":%s},5,"x",[],{},{"resource":null},{"resource":%s}],'
    body += b'"type":"%s","resourceType":"Bundle"}'
    found = list(read_submission(body % (one, two, kind.encode())))
    landed = {i: each.received for i, each in enumerate(found) if isinstance(each, Entry)}
    assert landed == {1: one, 7: two}
    assert {(each.where.entry, each.reason) for each in found if isinstance(each, Rejected)} == {
        (index, "no resource in this entry") for index in (0, 2, 3, 4, 5, 6)
    }


@pytest.mark.parametrize("entry", ["{}", "7", "null", '"x"', "[" + "0," * 1_500_001 + "0]"])
def test_entries_that_are_no_list_or_millions_of_nothing_are_refused_whole(entry: str) -> None:
    with pytest.raises(Unusable, match="not a list of objects"):
        read_submission(b'{"resourceType":"Bundle","type":"batch","entry":%s}' % entry.encode())


texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(texts, json_values, max_size=3), max_size=4), st.booleans())
def test_any_resource_comes_out_as_it_went_in(bodies: list[dict[str, Any]], ascii_: bool) -> None:
    sent = []
    for number, body in enumerate(bodies):
        body |= {"resourceType": "Basic", "id": f"r{number}"}
        sent.append(json.dumps(body, ensure_ascii=ascii_).encode())
    inner = b",".join(b'{"extension":[{}],"resource":' + text + b"}" for text in sent)
    found = entries(read_submission(b'{"entry":[' + inner + b'],"resourceType":"Bundle"}'))
    assert [entry.received for entry in found] == sent


@pytest.mark.parametrize("method", ["POST", "PUT", ""])
def test_a_valid_client_id_is_kept(method: str) -> None:
    entry: dict[str, Any] = {"resource": {"resourceType": "Patient", "id": "a.B-1"}}
    if method:
        entry["request"] = {"method": method, "url": "Patient/a.B-1" if method == "PUT" else "x"}
    (found,) = entries(bundle("batch", entry))
    assert (found.resource_id, found.assigned) == ("a.B-1", False)


def test_ids_come_from_the_full_url_or_are_made() -> None:
    first, second, third, fourth = entries(
        bundle(
            "transaction",
            post({"resourceType": "Patient"}, URN),
            post({"resourceType": "Patient"}, "https://x.org/fhir/Patient/77"),
            post({"resourceType": "Patient"}),
            {
                "resource": {"resourceType": "Patient"},
                "request": {"method": "PUT", "url": "Patient/u"},
            },
        )
    )
    assert first.resource_id == first.resource["id"] == UUID
    assert second.resource_id == "77"
    assert third.assigned
    assert valid_id(third.resource_id)
    assert fourth.resource_id == "u"


def test_references_inside_the_bundle_are_resolved() -> None:
    web = "https://x.org/fhir/Practitioner/9"
    patient, practitioner, observation = entries(
        bundle(
            "transaction",
            post({"resourceType": "Patient", "id": "p"}, URN),
            post({"resourceType": "Practitioner", "id": "q"}, web),
            post(
                {
                    "resourceType": "Observation",
                    "id": "o",
                    "subject": {"reference": URN},
                    "performer": [
                        {"reference": web},
                        {"reference": "Practitioner?identifier=s|1"},
                        {"reference": "#c"},
                    ],
                }
            ),
        )
    )
    assert observation.resource["subject"]["reference"] == "Patient/p"
    assert observation.links == {URN: "Patient/p", web: "Practitioner/q"}
    assert observation.conditional == ("Practitioner?identifier=s|1",)
    assert json.loads(observation.received)["subject"]["reference"] == URN
    again = json.loads(observation.received)
    relink(again, observation.links)
    assert again == observation.resource
    assert patient.links == practitioner.links == {}


@pytest.mark.parametrize(("kind", "lands"), [("transaction", False), ("batch", True)])
def test_a_dangling_urn_fails_a_transaction_alone(kind: str, lands: bool) -> None:
    resource = {"resourceType": "Observation", "id": "o", "subject": {"reference": URN}}
    submission = bundle(kind, post(resource))
    assert submission.atomic is not lands
    (found,) = submission
    if lands:
        assert isinstance(found, Entry)
        assert [issue.path for issue in found.issues] == ["Observation.subject.reference"]
    else:
        assert isinstance(found, Rejected)
        assert found.where.path == "Observation.subject.reference"
        assert (found.where.file, found.where.entry) == ("b.json", 0)


def test_same_content_twice_is_once_and_two_contents_are_an_error() -> None:
    same = post({"resourceType": "Patient", "id": "a"})
    other = post({"resourceType": "Patient", "id": "a", "active": True})
    alone = post({"resourceType": "Patient", "id": "b"})
    assert [entry.repeat for entry in entries(bundle("batch", same, alone, same))] == [
        False,
        False,
        True,
    ]
    found = list(bundle("batch", same, alone, other))
    assert [isinstance(item, Rejected) for item in found] == [True, False, True]
    assert all("two contents" in item.reason for item in found if isinstance(item, Rejected))


def test_one_full_url_for_two_resources_is_an_error() -> None:
    found = bundle(
        "batch",
        post({"resourceType": "Patient", "id": "a"}, URN),
        post({"resourceType": "Patient", "id": "b"}, URN),
    )
    assert len(refused(found)) == 2


def test_deletions() -> None:
    good, bad = bundle(
        "batch",
        {"request": {"method": "DELETE", "url": "Patient/x"}},
        {"request": {"method": "DELETE", "url": "everything"}},
    )
    assert isinstance(good, Entry)
    assert (good.method, good.resource_type, good.resource_id) == ("DELETE", "Patient", "x")
    assert good.received == b""
    assert isinstance(bad, Rejected)
    assert bad.where.path == "request.url"


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"resource": {"resourceType": "Patient", "id": "a b"}}, "Patient.id"),
        ({"resource": {"resourceType": "Patient", "id": "x" * 65}}, "Patient.id"),
        ({"resource": {"resourceType": "Patient", "id": 5}}, "Patient.id"),
        ({"resource": {"resourceType": "Patientt", "id": "a"}}, "Patientt.resourceType"),
        ({"resource": {"id": "a"}}, "resourceType"),
        ({"resource": 5}, "resource"),
        ({"resource": None}, "resource"),
        ({}, "resource"),
        ({"request": {"method": "GET", "url": "Patient/1"}}, "request.method"),
        (
            {
                "resource": {"resourceType": "Patient", "id": "a"},
                "request": {"method": "PUT", "url": "Patient/b"},
            },
            "request.url",
        ),
    ],
)
def test_one_bad_entry_is_reported_and_the_good_one_lands(entry: dict[str, Any], path: str) -> None:
    good = post({"resourceType": "Patient", "id": "good"})
    first, second = bundle("batch", entry, good)
    assert isinstance(first, Rejected)
    assert first.where.path == path
    assert isinstance(second, Entry)


def test_a_duplicate_key_spoils_its_entry_alone() -> None:
    text = b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient"'
    text += (
        b',"id":"a","name":[{"family":"x","family":"y"}]}},{"resource":{"resourceType":"Patient"'
    )
    text += b',"id":"b"}}]}'
    first, second = read_submission(text)
    assert isinstance(first, Rejected)
    assert first.where.path == "Patient.name[0].family"
    assert isinstance(second, Entry)


@pytest.mark.parametrize(
    "text",
    [
        b'{"resourceType":"Bundle","entry":5}',
        b'{"resourceType":"Bundle","entry":' + b"[" * 100_000,
        b'{"resourceType":"Bundle","entry":[{"resource":{"a":1},"resource":{"a":2}}]}',
        b'{"resourceType":"Bundle","entry":[],"entry":[]}',
        b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]',
        b'{"resourceType":"Bundle","type":"batch\xff"}',
        b'{"resourceType":"Bundle","type":"transactions","entry":[]}',
        b'{"resourceType":"Bundle","type":["batch"],"entry":[]}',
        b"no json",
        b"[1]",
    ],
)
def test_a_text_that_cannot_be_used_as_a_whole(text: bytes) -> None:
    with pytest.raises(Unusable) as caught:
        read_submission(text, file="f.json", line=3)
    assert str(caught.value).startswith("f.json, line 3")


def test_a_searchset_leaves_out_what_speaks_of_the_search() -> None:
    outcome = {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}
    match = {"resource": {"resourceType": "Patient", "id": "a"}, "search": {"mode": "match"}}
    submission = bundle("searchset", match, outcome)
    assert submission.count == 1
    assert [entry.resource_id for entry in entries(submission)] == ["a"]


def test_a_history_is_taken_oldest_first() -> None:
    newer = {"resource": {"resourceType": "Patient", "id": "a", "active": True}}
    older = {"resource": {"resourceType": "Patient", "id": "a"}}
    found = entries(bundle("history", newer, older))
    assert [entry.index for entry in found] == [1, 0]


def test_an_answer_is_kept_whole() -> None:
    (found,) = entries(bundle("transaction-response", {"response": {"status": "201"}}))
    assert (found.resource_type, found.index) == ("Bundle", None)


def test_a_single_resource() -> None:
    (found,) = entries(read_submission(b' {"resourceType":"Patient","id":"a"}\n'))
    assert (found.index, found.method, found.resource_id) == (None, "PUT", "a")
    assert found.received == b'{"resourceType":"Patient","id":"a"}'
    (made,) = entries(read_submission(b'{"resourceType":"Patient"}'))
    assert (made.method, made.assigned) == ("POST", True)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Patient/1", Target("relative", "Patient", "1")),
        ("Patient/1/_history/2", Target("relative", "Patient", "1", version="2")),
        ("http://a/b/Patient/1", Target("absolute", "Patient", "1", "http://a/b/")),
        ("#x", Target("contained", id="x")),
        (URN, Target("urn", id=UUID)),
        ("Patient?identifier=a|b", Target("conditional", "Patient")),
        ("Patientt/1", Target("unknown")),
        ("Patient/a b", Target("unknown")),
        ("", Target("unknown")),
    ],
)
def test_references_are_taken_apart(text: str, target: Target) -> None:
    assert parse_reference(text) == target
