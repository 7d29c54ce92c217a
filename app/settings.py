"""Every setting of an installation; nothing else reads the environment."""

from __future__ import annotations

import os
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from indexing.errors import ConfigurationError

LexicalBackend = Literal["memory", "tantivy", "opensearch"]
VectorBackend = Literal["memory", "postgres", "opensearch", "weaviate"]
ConceptBackend = Literal["vector", "neo4j"]  # "vector": as `vector` says
SpaceBackend = Literal["memory", "postgres", "opensearch", "weaviate", "neo4j"]
VectorIndexKind = Literal["hnsw", "flat"]  # of a server: a graph, or one by one, which is exact
GraphBackend = Literal["memory", "postgres", "neo4j"]
MedicalBackend = Literal["memory", "postgres", "neo4j"]
VitalsBackend = Literal["memory", "postgres", "timescale", "influxdb"]
CacheBackend = Literal["none", "redis"]
PatientMetric = Literal["cosine", "euclidean"]
EncoderBackend = Literal["onnx", "sentence-transformers"]
Deidentifier = Literal["rules", "presidio"]  # presidio finds what the rules do not, beside them

PREFIX = "ANAMNESIS_"
# These steer the servers that the tests start, by the Makefile and docker-compose.yml.
_OF_TESTS = ("ANAMNESIS_ENGINES", "ANAMNESIS_POOLER")


class Settings(BaseSettings):
    """Read from `ANAMNESIS_*` variables; the defaults need no server and no configuration."""

    # An empty variable is none: an empty home would be whatever folder a command is called in.
    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", env_ignore_empty=True)

    home: Path = Field(default_factory=lambda: user_data_path("anamnesis"))
    database_url: SecretStr | None = None  # None: the embedded server; else who may set it up
    database_direct_url: SecretStr | None = None  # past a pooler that the other leads through
    host: str = "127.0.0.1"
    port: int = 8080
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    # As references name this server; "": by the names of its own and the port that it answers at.
    fhir_base: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
    lexical: LexicalBackend = "tantivy"
    vector: VectorBackend = "postgres"
    graph: GraphBackend = "postgres"
    medical: MedicalBackend = "postgres"
    concepts: ConceptBackend = "vector"  # where names of concepts are looked up
    patient_vectors: bool = False  # of whole records, where `vector` lies: likeness by meaning too
    patient_metric: PatientMetric = "cosine"
    encoder: EncoderBackend = "onnx"
    vitals: VitalsBackend = "postgres"
    model: str = "sentence-transformers/all-MiniLM-L6-v2"  # for `sentence-transformers` alone
    encoder_threads: int = 2
    encoder_folder: Path | None = None  # an adapted model, in place of the one switched to
    shares: Path | None = None  # what `eval tune --out` wrote, in place of the legs' own shares
    learned: Path | None = None  # a folder that `eval train` wrote; needs the extra `lab`
    reranker: str = ""  # a cross-encoder of the extra `models`, by folder or name; "": none
    deidentifier: Deidentifier = "rules"
    opensearch_url: str = "http://127.0.0.1:9200"
    opensearch_user: str | None = None
    opensearch_password: SecretStr | None = None
    opensearch_ca: Path | None = None  # certificates that sign the cluster's; None: the system's
    opensearch_shards: int = 1  # of each tenant's index
    opensearch_index: VectorIndexKind = "hnsw"  # "flat": for tenants of some 10,000 passages
    weaviate_url: str = "http://127.0.0.1:8080"
    weaviate_grpc: str = "127.0.0.1:50051"
    weaviate_key: SecretStr | None = None  # or user and password, where the server takes those
    weaviate_user: str | None = None
    weaviate_password: SecretStr | None = None
    weaviate_ca: Path | None = None
    weaviate_index: VectorIndexKind = "hnsw"  # "flat": exact, for tenants of some 100,000 passages
    neo4j_url: str = "bolt://127.0.0.1:7687"  # bolt:// or neo4j://, +s for TLS
    neo4j_user: str = "neo4j"
    neo4j_password: SecretStr | None = None  # None: a server without login
    neo4j_database: str = "neo4j"
    neo4j_ca: Path | None = None  # a site's own authority, with the plain schemes
    influxdb_url: str = "http://127.0.0.1:8086"
    influxdb_user: str | None = None  # an admin: each tenant has a database of its own
    influxdb_password: SecretStr | None = None
    influxdb_ca: Path | None = None
    cache: CacheBackend = "none"
    redis_url: SecretStr | None = None  # redis://, rediss:// for TLS; user and password stand in it
    redis_ca: Path | None = None
    leg_timeout_s: float = 2.0
    leg_patience_s: float = 0.05  # that a late server has for a sign of life; more if usually slow
    export_cap: int = 1_000  # patients of a cohort in one export
    page_ttl_s: int = 8 * 3600
    session_idle_s: int = 30 * 60
    session_absolute_s: int = 12 * 3600
    secure_cookies: bool = False
    metrics_token: SecretStr | None = None
    # For `anamnesis eval answers` alone: ragas in its own environment, and an interface as OpenAI's
    # whose model judges benchmark answers. Nothing else ever calls it.
    ragas_python: Path = Path(__file__).parents[1] / ".venv-ragas" / "bin" / "python"
    llm_url: str = ""
    llm_model: str = ""
    llm_key: SecretStr | None = None

    @property
    def fhir_bases(self) -> frozenset[str]:
        """What a reference to a resource of this server begins with: as set, else with the names
        and the port that it answers at. Names that every machine has for itself are none: in what
        another server exported, `http://localhost:8080` is that one, and its patients not ours."""
        if self.fhir_base:
            return frozenset({self.fhir_base.rstrip("/") + "/"})
        own = f"[{self.host}]" if ":" in self.host else self.host
        names = [name for name in {*self.allowed_hosts, own} if not _is_everybodys(name)]
        return frozenset(f"http://{name}:{self.port}/fhir/" for name in names)

    @property
    def concept_engine(self) -> SpaceBackend:
        """The engine of names of concepts; an embedded one leaves them to the process."""
        return self.vector if self.concepts == "vector" else self.concepts


def _is_everybodys(name: str) -> bool:
    """Say whether a host's name means each machine itself, or each of its addresses."""
    bare = name.strip("[]").lower()
    try:
        address = ip_address(bare)
    except ValueError:
        return bare == "localhost" or bare.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def load() -> Settings:
    """Read the settings; paths are made absolute.

    Raises:
        ConfigurationError: a variable does not read; its value may be a secret and is not told.
    """
    try:
        settings = Settings()
    except ValidationError as exc:
        [first, *_] = exc.errors(include_url=False, include_context=False, include_input=False)
        name = "_".join(map(str, first["loc"][:1])).upper()
        raise ConfigurationError(f"ANAMNESIS_{name}: {first['msg']}") from None
    except SettingsError:  # of the fields, this one alone is read as JSON
        raise ConfigurationError(
            "ANAMNESIS_ALLOWED_HOSTS is not JSON", hint='like ["search.example", "127.0.0.1"]'
        ) from None
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def strangers() -> dict[str, str]:
    """Return the variables that are named like settings and are none, each with the setting that
    was likely meant, "" for none: what is misspelt would change nothing without a word."""
    known = [name.upper() for name in Settings.model_fields]
    near: dict[str, str] = {}
    for name in sorted(name for name, value in os.environ.items() if value):
        bare = name.upper().removeprefix(PREFIX)
        ours = bare != name.upper() and not name.upper().startswith(_OF_TESTS)
        if ours and bare not in known:
            meant = get_close_matches(bare, known, 1, 0.7)
            near[name] = PREFIX + meant[0] if meant else ""
    return near


def told(name: str, near: str) -> str:
    """Say that a variable is no setting, and which one was likely meant."""
    return f"{name} is no setting and changes nothing" + (f": is it {near}?" if near else "")
