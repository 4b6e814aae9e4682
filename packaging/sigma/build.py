"""Checks the Sigma rules of this folder and converts them, without the network.

    python packaging/sigma/build.py check
    python packaging/sigma/build.py convert [FOLDER]     by default `converted` beside this file

pySigma and the validators of SigmaHQ would fetch ATT&CK and the taxonomy of SigmaHQ from the
Internet; here they get the few words of them that these rules use, and the field names of
mdeinspect, from `vocabulary`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from sigma.backends.elasticsearch import LuceneBackend
from sigma.backends.kusto import KustoBackend
from sigma.backends.splunk import SplunkBackend
from sigma.backends.sqlite import sqliteBackend
from sigma.cli.check import check
from sigma.collection import SigmaCollection
from sigma.conversion.base import Backend
from sigma.data import mitre_attack
from sigma.processing.pipeline import ProcessingPipeline
from sigma.validators.sigmahq.data import data_filename, data_taxonomy

HERE = Path(__file__).parent
RULES = HERE / "rules"
INDEX = "logs-mdeinspect*"
NOTE = "Made from the Sigma rules in packaging/sigma/rules by `make detections`: edit them there."


def main(arguments: list[str]) -> None:
    """What was asked for; leaves with an exit code."""
    with tempfile.TemporaryDirectory() as cache:
        offline(Path(cache))
        if arguments[:1] == ["check"]:
            config = f"--validation-config={HERE / 'validation.yml'}"
            check(["--fail-on-error", "--fail-on-issues", config, str(RULES)])
        elif arguments[:1] == ["convert"]:
            convert(Path(arguments[1]) if arguments[1:] else HERE / "converted")
        else:
            sys.exit(__doc__)


def offline(cache: Path) -> None:
    """Let the validators and backends read `vocabulary` instead of the Internet."""
    known = {"attack": mitre_attack, "taxonomy": data_taxonomy, "filename": data_filename}
    for name, module in known.items():
        module.set_cache_dir(str(cache / name))
        module.set_url(str(HERE / "vocabulary" / f"{name}.json"))


def convert(folder: Path) -> None:
    """Write the queries of every backend to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, mark, backend in (
        ("splunk.conf", "#", SplunkBackend(_pipeline("splunk"))),
        ("kusto.kql", "//", KustoBackend(_pipeline("kusto"))),
        ("sqlite.sql", "--", sqliteBackend(_pipeline("sqlite"))),
    ):
        queries = [str(one).strip() for one in backend.convert(_rules())]
        (folder / name).write_text("\n\n".join([f"{mark} {NOTE}", *queries]) + "\n")
    (folder / "elasticsearch.ndjson").write_text(_elastic())


def _elastic() -> str:
    """Rules to import into Elastic Security.

    They look back longer than their interval, by the time of ingestion, so that nothing that
    comes late is passed over; Elastic tells no event twice.
    """
    backend: Backend = LuceneBackend(_pipeline("elasticsearch"), index_names=[INDEX])
    lines = []
    for one in backend.convert(_rules(), "siem_rule_ndjson"):
        late = {"from": "now-15m", "timestamp_override": "event.ingested"}
        name = one["name"].removeprefix("SIGMA - ")
        description = " ".join(one["description"].split())
        own = {"name": name, "description": description, "license": "Apache-2.0"}
        lines.append(json.dumps({**one, **own, **late}, sort_keys=True))
    return "\n".join(lines) + "\n"


def _rules() -> SigmaCollection:
    """The rules, read anew: a conversion changes them."""
    return SigmaCollection.load_ruleset(sorted(RULES.glob("*.yml")))


def _pipeline(name: str) -> ProcessingPipeline:
    return ProcessingPipeline.from_yaml((HERE / "pipelines" / f"{name}.yml").read_text())


if __name__ == "__main__":
    main(sys.argv[1:])
