"""An invented hospital: patients, charts and notes with their ground truth, from a seed."""

from eval.hospital.charts import chart, generate
from eval.hospital.course import DEFAULT_SEED, features
from eval.hospital.house import hospital_bundle
from eval.hospital.model import FeatureRecord, Note, PatientChart, Truth, TruthMention
from eval.hospital.studies import studies_bundle, trial_lines
from eval.hospital.topics import Topic, judgements, topics
from eval.hospital.write import bundles, write_bundles, write_hospital

__all__ = [
    "DEFAULT_SEED",
    "FeatureRecord",
    "Note",
    "PatientChart",
    "Topic",
    "Truth",
    "TruthMention",
    "bundles",
    "chart",
    "features",
    "generate",
    "hospital_bundle",
    "judgements",
    "studies_bundle",
    "topics",
    "trial_lines",
    "write_bundles",
    "write_hospital",
]
