"""Tables and queries of a MariaDB server that these tests start."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from database_checks import PASSWORD, QUOTED, refuse, run_commands

from graduel.data.read import read_source
from graduel.data.read.row_stream import open_stream
from graduel.errors import UserError

pymysql = pytest.importorskip("pymysql")
START = 60
"""Seconds in which the server must start."""


@pytest.fixture(scope="module")
def url():
    """Start a server with two tables; yield its URL."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    server, install = (shutil.which(one, path=path) for one in ("mariadbd", "mariadb-install-db"))
    if server is None or install is None or os.name != "posix":
        pytest.skip("MariaDB's server is not installed (apt-get install mariadb-server-core)")
    user = {"user": "nobody"} if os.getuid() == 0 else {}  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="my-"))
    folder.chmod(0o777)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    where = ["--no-defaults", f"--datadir={folder / 'data'}"]
    plain = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([install, *where, *plain], check=True, **quiet)
    listen = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 's'}"]
    process = subprocess.Popen(
        [server, *where, *listen, "--innodb-flush-log-at-trx-commit=0"], **quiet
    )
    try:
        wait_for(port, process)
        with (
            pymysql.connect(user="root", unix_socket=str(folder / "s")) as connection,
            connection.cursor() as cursor,
        ):
            for statement in TABLES:
                cursor.execute(statement)
            connection.commit()
        yield f"mysql://me:{QUOTED}@127.0.0.1:{port}/shop"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def wait_for(port, process):
    """Return as soon as the server answers."""
    for _ in range(10 * START):
        assert process.poll() is None
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not start")


TABLES = (
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    f"CREATE USER me@'%' IDENTIFIED BY '{PASSWORD}'",
    "GRANT ALL ON shop.* TO me@'%'",
    "USE shop",
    "SET time_zone = '+02:00', sql_mode = ''",
    "CREATE TABLE `the ``types` (n BIGINT, large BIGINT UNSIGNED, x FLOAT, price DECIMAL(10, 2), "
    "s VARCHAR(9), kind ENUM('a', 'b'), ok BOOLEAN, flag BIT(1), y YEAR, day DATE, at DATETIME(6), "
    "there TIMESTAMP NULL, took TIME, raw BLOB, none INT)",
    "INSERT INTO `the ``types` VALUES (1, 18446744073709551615, 1.5, 1.25, 'é', 'b', TRUE, b'1', "
    "2020, '2020-01-02', '2020-01-02 03:04:05.5', '2020-01-02 03:04:05', '25:00:00', x'00ff', "
    "NULL)",
    "INSERT INTO `the ``types` (n, day) VALUES (2, '0000-00-00')",
    "CREATE TABLE orders (a INT, r CHAR(1), b INT)",
    "INSERT INTO orders SELECT seq, CHAR(97 + seq % 2), seq % 7 FROM seq_1_to_60",
)


def test_types(url):
    source = read_source(f"{url}::the `types")
    assert source.content.row(0) == (
        *(1, 2**64 - 1, 1.5, 1.25, "é", "b", 1, 1, 2020, date(2020, 1, 2)),
        *(datetime(2020, 1, 2, 3, 4, 5, 500_000), datetime(2020, 1, 2, 1, 4, 5, tzinfo=UTC)),
        *(timedelta(hours=25), b"\0\xff", None),
    )
    assert source.content.row(1) == (2, *[None] * 14)
    assert (source.name, source.origin) == ("the `types", "mysql://127.0.0.1/shop")
    assert source.notes == (
        "column 'day': 1 date that no calendar has, such as 0000-00-00, is read as missing",
    )


def test_tables_and_queries(url):
    content = read_source(f"{url}::shop.orders").content
    assert content.shape == (60, 3)
    assert content.dtypes == [pl.Int64, pl.String, pl.Int64]
    assert pl.concat(b.read for b in open_stream(f"{url}::orders").blocks).equals(content)
    query = "::SELECT a / 2 AS half, r FROM orders ORDER BY a DESC LIMIT 2;"
    for server in ("mysql", "mariadb", "mysql+pymysql"):
        rows = read_source(f"{url.replace('mysql', server)}{query}").content.rows()
        assert rows == [(30.0, "a"), (29.5, "b")]
    assert "after ::; got none. The tables are 'orders', 'the `types'" in refuse(url)
    assert "Table 'shop.nope' doesn't exist" in refuse(f"{url}::nope")
    assert "the table or query has none" in refuse(f"{url}::SELECT 1 AS a FROM orders WHERE false")


def test_nothing_is_changed(url):
    for query in (
        "WITH x AS (DELETE FROM orders RETURNING 1) SELECT * FROM x",
        "SELECT 1) r; DELETE FROM orders; SELECT * FROM (SELECT 1",
        "SELECT * FROM orders INTO OUTFILE 'out'",
    ):
        refuse(f"{url}::{query}")
    assert len(read_source(f"{url}::orders").content) == 60


def test_a_server_that_does_not_answer(url, monkeypatch):
    assert "Access denied for user" in refuse(url.replace(QUOTED, "wrong") + "::orders")
    assert "mysql://127.0.0.1/d: expected a server" in refuse("mysql://127.0.0.1:1/d::t")
    assert "expected the parameters 'unix_socket', 'ssl_ca'" in refuse(f"{url}?local_infile=1::t")
    with pytest.raises(UserError, match=r"expected the URL of a server of PostgreSQL, .* or MySQL"):
        read_source("mssql://me@127.0.0.1/d::t")
    monkeypatch.setenv("MYSQL_PWD", PASSWORD)
    assert len(read_source(url.replace(f":{QUOTED}", "") + "::orders").content) == 60


def test_the_commands(url, tmp_path, monkeypatch, capsys):
    table = f"{url}::orders"
    run_commands(table, tmp_path, monkeypatch, capsys)


def test_without_the_package(url, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    assert refuse(f"{url}::orders").endswith("Run python -m pip install 'graduel[sql]'")
