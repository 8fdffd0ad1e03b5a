"""Tables and queries of a PostgreSQL server that these tests start."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from database_checks import PASSWORD, QUOTED, refuse, run_commands

from graduel.data.read import read_source
from graduel.data.read.row_stream import open_stream
from graduel.data.source import open_source

dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")


def find_programs():
    """Return the folder of PostgreSQL's programs, on the path or where Debian puts them."""
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@pytest.fixture(scope="module")
def url():
    """Start a server with two tables; yield its URL."""
    programs = find_programs()
    if programs is None or os.name != "posix":
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    user = {"user": "nobody"} if os.getuid() == 0 else {}  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o777)
    (folder / "password").write_text(PASSWORD)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program, *args):
        command = [programs / program, "-D", folder / "data", *args]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)

    secret = [f"--pwfile={folder / 'password'}", "--username=me", "-A", "password"]
    run("initdb", "--no-sync", *secret)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-w", "-o", options, "-l", folder / "log", "start")
    try:
        address = f"postgresql://me:{QUOTED}@127.0.0.1:{port}/postgres"
        with dbapi.connect(address) as connection, connection.cursor() as cursor:
            cursor.execute(
                'CREATE TABLE "Types" (n bigint, x real, s text, ok boolean, price numeric(10, 2), '
                "day date, at timestamp, there timestamptz, took interval, tags int[], "
                "about jsonb, key uuid, kind char(2))"
            )
            cursor.execute(
                "INSERT INTO \"Types\" VALUES (1, 1.5, 'é', true, 1.25, '2020-01-02', "
                "'2020-01-02 03:04:05', '2020-01-02 03:04:05+02', '1 day', '{1,2}', '{\"a\": 1}', "
                "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x')"
            )
            cursor.execute('INSERT INTO "Types" (n) VALUES (2)')
            cursor.execute("CREATE SCHEMA sales")
            cursor.execute("CREATE TABLE sales.orders (a int, r text, b int)")
            cursor.execute(
                "INSERT INTO sales.orders SELECT i, chr(97 + i % 2), i % 7 FROM "
                "generate_series(1, 60) i"
            )
            connection.commit()
        yield address
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_types(url):
    source = read_source(f"{url}::Types")
    assert source.content.row(0) == (
        *(1, 1.5, "é", True, 1.25, date(2020, 1, 2), datetime(2020, 1, 2, 3, 4, 5)),
        *(datetime(2020, 1, 2, 1, 4, 5, tzinfo=UTC), 86400.0, "{1,2}", '{"a": 1}'),
        *("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "x"),
    )
    assert source.content.row(1) == (2, *[None] * 12)
    assert (source.name, source.origin) == ("Types", "postgresql://127.0.0.1/postgres")


def test_tables_and_queries(url):
    content = read_source(f"{url}::sales.orders").content
    assert content.shape == (60, 3)
    assert pl.concat(b.read for b in open_stream(f"{url}::sales.orders").blocks).equals(content)
    query = f"{url}::SELECT a::float8 / 2 AS half, r FROM sales.orders ORDER BY a DESC LIMIT 2;"
    assert read_source(query).content.rows() == [(30.0, "a"), (29.5, "b")]
    assert "after ::; got none. The tables are 'Types', 'orders'" in refuse(url)
    assert 'relation "nope" does not exist' in refuse(f"{url}::nope")
    assert "the table or query has none" in refuse(f"{url}::SELECT 1 AS a WHERE false")


def test_nothing_is_changed(url):
    for query in (
        "WITH x AS (DELETE FROM sales.orders RETURNING 1) SELECT * FROM x",
        "SELECT 1) r; DELETE FROM sales.orders; SELECT (1",
        "SELECT setval('nope', 1) AS a",
    ):
        refuse(f"{url}::{query}")
    assert len(read_source(f"{url}::sales.orders").content) == 60


def test_a_server_that_does_not_answer(url):
    assert "password authentication failed" in refuse(url.replace(QUOTED, "wrong") + "::Types")
    assert "postgresql://127.0.0.1/d: expected a server" in refuse("postgresql://127.0.0.1:1/d::t")


def test_the_commands(url, tmp_path, monkeypatch, capsys):
    table = f"{url}::sales.orders"
    run_commands(table, tmp_path, monkeypatch, capsys)
    source = open_source(table, target="r")
    assert source.name == "sales.orders"
    assert source.spec == open_source(table, target="r").spec


def test_a_report_states_the_command_without_the_password(monkeypatch):
    from graduel.cli.actions.live_session import command_line

    text = "postgresql://me:p%40@host:1/shop::SELECT a @ b"
    monkeypatch.setattr(sys, "argv", ["graduel", "duel", text, "--target", "a"])
    assert command_line() == "graduel duel 'postgresql://host:1/shop::SELECT a @ b' --target a"


def test_without_the_package(url, monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    assert refuse(f"{url}::Types").endswith("Run python -m pip install 'graduel[sql]'")
