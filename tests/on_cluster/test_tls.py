"""A cluster whose connections are encrypted, with certificates made here."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from cluster_processes import find_port, scheduler, worker
from small_duels import plan_small

from graduel.duel.run.clusters import open_executor
from graduel.errors import UserError

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.processes,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
EXTENSIONS = "authorityKeyIdentifier=keyid\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"


@pytest.fixture
def files(tmp_path):
    """Write two certificate authorities and a certificate that the first signed."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "extensions").write_text(EXTENSIONS)
    usage = ("-addext", "keyUsage=critical,keyCertSign")
    subject, days = ("-subj", "/CN=graduel-test"), ("-days", "2")
    for name in ("ca", "other"):
        out = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl("req", "-x509", *KEY, *out, *subject, *days, *usage)
    openssl("req", *KEY, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=localhost")
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    openssl(
        *("x509", "-req", "-in", "request", *signer, "-out", "cert.pem", *days),
        *("-extfile", "extensions"),
    )
    return {name: str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key")}


@pytest.mark.long
def test_a_duel_on_a_cluster_with_tls(files, tmp_path, monkeypatch) -> None:
    port, log = find_port(), tmp_path / "log"
    address, host = f"tls://127.0.0.1:{port}", "127.0.0.1"
    more = ["--tls-ca-file", files["ca"], "--tls-cert", files["cert"], "--tls-key", files["key"]]
    programs = [
        scheduler(host, port, log, more=["--protocol", "tls", *more]),
        worker(address, host, tmp_path / "worker", log, more=["--protocol", "tls", *more]),
    ]
    try:
        for one in programs:
            one.start()
        with open_executor(address, tls=files) as executor:
            there = plan_small(tmp_path / "run", executor).run()
        monkeypatch.setattr("graduel.duel.run.clusters.CONNECT_WAIT", 4)
        other = {**files, "ca": str(tmp_path / "other.pem")}
        for place, tls in ((address, other), (address.replace("tls", "tcp"), None)):
            with (
                pytest.raises(UserError, match="no scheduler answers there"),
                open_executor(place, tls=tls),
            ):
                pass
    finally:
        for one in reversed(programs):
            one.kill()
    alone = plan_small(tmp_path / "alone").run()
    for name, p in alone.probabilities.items():
        np.testing.assert_array_equal(there.probabilities[name], p)


@pytest.mark.parametrize(
    ("on", "names", "message"),
    [
        ("tls://127.0.0.1:9", ("ca", "cert"), "expected the files.*got no --tls-key"),
        ("tls://127.0.0.1:9", (), "expected the files.*got no --tls-ca"),
        ("tcp://127.0.0.1:9", ("ca",), "--tls-ca: expected --on with the address"),
        ("local:2", ("key",), "--tls-key: expected --on"),
        (None, ("cert",), "--tls-cert: expected --on.*got no --on"),
        ("tls://127.0.0.1:9", ("ca", "cert", "none"), "--tls-key: expected a file in PEM format"),
    ],
)
def test_files_that_are_missing_are_named(tmp_path, on, names, message) -> None:
    files = {}
    for name in names:
        path = tmp_path / f"{name}.pem"
        if name != "none":
            path.write_text("")
        files["key" if name == "none" else name] = str(path)
    with pytest.raises(UserError, match=message), open_executor(on, tls=files):
        pass
