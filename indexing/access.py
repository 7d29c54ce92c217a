"""Who asks, in which tenant and role, for what purpose, and what that opens: in every read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from indexing.model import TenantId

# Restricting labels, the closed vocabulary that every index filters by: HL7 v3 Confidentiality
# above "N", and ActCode sensitivity. Source: terminology.hl7.org/CodeSystem/v3-Confidentiality,
# v3-ActCode _InformationSensitivityPolicy. A restriction we do not know becomes OTHER and is
# held back from everybody who is not cleared for it: unknown must fail closed.
LABELS: frozenset[str] = frozenset(
    "R V ETH GDIS HIV MST SCA SDV SEX SPI BH COGN DVD EMOTDIS MH PSY PSYTHPN SUD ETHUD OPIOIDUD "
    "STD TBOO VIO SICKLE DEMO DOB GENDER LIVARG MARST RACE REL B EMPL LOCIS SSP ADOL CEL DIA "
    "DRGIS EMP PDS PHY PRS COMPT FRD LEGAL OTHER".split()
)


class Role(StrEnum):
    """What an account may do; one account may hold several."""

    CLINICIAN = "clinician"
    RESEARCHER = "researcher"
    PRIVACY = "privacy"
    ADMIN = "admin"
    RELEVANCE = "relevance"


@dataclass(frozen=True, slots=True)
class Access:
    """One principal's view. `patients` None opens all of the tenant; a set opens just those.

    A document is visible when its labels are a subset of `labels` and its patient is open. With
    `patients` set, documents of no patient are closed.
    """

    tenant_id: TenantId
    user_id: str
    roles: frozenset[Role]
    purpose: str = "TREAT"  # HL7 v3 PurposeOfUse
    patients: frozenset[str] | None = None
    labels: frozenset[str] = frozenset()
    time_zone: str = "UTC"  # the tenant's: what a date in a question means

    def opens(self, patient_id: str | None, labels: frozenset[str]) -> bool:
        """Say whether this access may see a document of that patient with those labels."""
        if not labels <= self.labels:
            return False
        return self.patients is None or (patient_id is not None and patient_id in self.patients)

    @property
    def closed_labels(self) -> frozenset[str]:
        """The labels that this access may not see: what every engine filters out."""
        return LABELS - self.labels

    @property
    def deidentified(self) -> bool:
        """Say whether names, dates and ids are hidden from this view."""
        return hides(self.roles)


def hides(roles: frozenset[Role]) -> bool:
    """Say whether these roles see notes de-identified: a researcher and a relevance engineer do,
    unless the same account treats patients."""
    return not roles.isdisjoint({Role.RESEARCHER, Role.RELEVANCE}) and Role.CLINICIAN not in roles
